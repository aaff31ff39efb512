package main

import (
	"strings"
	"sync"
)

// look is how a cell is drawn; colours are 0xRRGGBB, -1 the default.
type look struct {
	fg, bg                  int
	bold, italic, underline bool
	strike, reverse         bool
}

type cell struct {
	text string // "" behind a wide character
	look look
}

// screen follows Neovim's "redraw" events (:help ui-linegrid) for one grid.
type screen struct {
	mu       sync.Mutex
	cells    [][]cell
	looks    map[int]look
	ink      int
	paper    int
	row, col int // the cursor
	onFlush  func(s *screen)
}

func newScreen(columns, rows int, onFlush func(*screen)) *screen {
	s := &screen{looks: map[int]look{0: {fg: -1, bg: -1}}, onFlush: onFlush}
	s.resize(columns, rows)
	return s
}

func (s *screen) resize(columns, rows int) {
	s.cells = make([][]cell, rows)
	for i := range s.cells {
		s.cells[i] = make([]cell, columns)
		s.clear(i)
	}
}

func (s *screen) clear(row int) {
	for i := range s.cells[row] {
		s.cells[row][i] = cell{" ", look{fg: -1, bg: -1}}
	}
}

// redraw takes one notification: a list of [name, arguments, arguments…].
func (s *screen) redraw(updates ...[]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range updates {
		name, _ := u[0].(string)
		for _, a := range u[1:] {
			args, _ := a.([]any)
			s.update(name, args)
		}
	}
}

func (s *screen) update(name string, a []any) {
	switch name {
	case "default_colors_set":
		s.ink, s.paper = number(a[0]), number(a[1])
	case "hl_attr_define":
		attrs, _ := a[1].(map[string]any)
		s.looks[number(a[0])] = newLook(attrs)
	case "grid_resize":
		s.resize(number(a[1]), number(a[2]))
	case "grid_clear":
		for i := range s.cells {
			s.clear(i)
		}
	case "grid_cursor_goto":
		s.row, s.col = number(a[1]), number(a[2])
	case "grid_line":
		s.line(number(a[1]), number(a[2]), a[3].([]any))
	case "grid_scroll":
		s.scroll(number(a[1]), number(a[2]), number(a[3]), number(a[4]), number(a[5]))
	case "flush":
		s.onFlush(s)
	}
}

func newLook(attrs map[string]any) look {
	l := look{fg: -1, bg: -1}
	if v, ok := attrs["foreground"]; ok {
		l.fg = number(v)
	}
	if v, ok := attrs["background"]; ok {
		l.bg = number(v)
	}
	on := func(name string) bool { v, _ := attrs[name].(bool); return v }
	l.bold, l.italic, l.strike, l.reverse = on("bold"), on("italic"), on("strikethrough"), on("reverse")
	l.underline = on("underline") || on("undercurl") || on("underdouble") || on("underdotted") || on("underdashed")
	return l
}

// line takes cells as [text, look, repeat]; what is left out is as before.
func (s *screen) line(row, col int, cells []any) {
	id := 0
	for _, c := range cells {
		c := c.([]any)
		times := 1
		if len(c) > 1 {
			id = number(c[1])
		}
		if len(c) > 2 {
			times = number(c[2])
		}
		text, _ := c[0].(string)
		for ; times > 0; times-- {
			s.cells[row][col] = cell{text, s.looks[id]}
			col++
		}
	}
}

// scroll moves the lines of a rectangle up by n, or down.
func (s *screen) scroll(top, bottom, left, right, n int) {
	if n > 0 {
		for i := top; i < bottom-n; i++ {
			copy(s.cells[i][left:right], s.cells[i+n][left:right])
		}
		return
	}
	for i := bottom - 1; i >= top-n; i-- {
		copy(s.cells[i][left:right], s.cells[i+n][left:right])
	}
}

// text is what the screen shows, for those who look for something.
func (s *screen) text() string {
	var b strings.Builder
	for _, row := range s.cells {
		for _, c := range row {
			b.WriteString(c.text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func number(v any) int {
	switch v := v.(type) {
	case int64:
		return int(v)
	case uint64:
		return int(v)
	}
	return 0
}
