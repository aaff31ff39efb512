package main

import (
	"strings"
	"testing"
)

func TestScreenFollowsRedraws(t *testing.T) {
	flushed := 0
	s := newScreen(4, 3, func(*screen) { flushed++ })
	s.redraw(
		[]any{"default_colors_set", []any{int64(0xffffff), int64(0), int64(0), int64(0), int64(0)}},
		[]any{"hl_attr_define", []any{int64(7), map[string]any{"bold": true, "foreground": int64(0xff0000)}, nil, nil}},
		[]any{"grid_line",
			[]any{int64(1), int64(0), int64(0), []any{[]any{"a", int64(7)}, []any{"b"}, []any{"-", int64(0), int64(2)}}, false},
			[]any{int64(1), int64(1), int64(0), []any{[]any{"日", int64(0)}, []any{""}, []any{"c"}}, false},
		},
		[]any{"flush", []any{}},
	)
	if got := s.text(); got != "ab--\n日c \n    \n" || flushed != 1 {
		t.Errorf("screen %q after %d flushes", got, flushed)
	}
	if l := s.cells[0][1].look; !l.bold || l.fg != 0xff0000 || l.bg != -1 {
		t.Errorf("look of b is %+v", l)
	}
	s.redraw([]any{"grid_scroll", []any{int64(1), int64(0), int64(3), int64(0), int64(4), int64(1), int64(0)}})
	if got := s.text(); !strings.HasPrefix(got, "日c \n") {
		t.Errorf("after a line up: %q", got)
	}
	s.redraw([]any{"grid_scroll", []any{int64(1), int64(0), int64(3), int64(0), int64(4), int64(-2), int64(0)}})
	if got := s.text(); !strings.HasSuffix(got, "\n日c \n") {
		t.Errorf("after two lines down: %q", got)
	}
}

func TestRowsAreDrawnInRuns(t *testing.T) {
	plain := look{fg: -1, bg: -1}
	for _, tt := range []struct {
		name, want string
		cells      []cell
	}{
		{"blanks need nothing", "", []cell{{" ", plain}, {" ", plain}}},
		{"text stands at its place, escaped", `<text x="8.4" y="14" textLength="16.8">a&lt;</text>`,
			[]cell{{" ", plain}, {"a", plain}, {"<", plain}, {" ", plain}}},
		{"a reversed blank is a block of ink", `<rect x="0.0" width="8.4" height="19" fill="#ffffff"/>`,
			[]cell{{" ", look{fg: -1, bg: -1, reverse: true}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := drawRow(tt.cells, 0xffffff, 0); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFilmEndsOnItsLastFrame(t *testing.T) {
	f := &film{}
	f.add(frame{0, []string{"a", "same"}})
	f.add(frame{leastGap / 2, []string{"b", "same"}})
	f.add(frame{leastGap - 1, []string{"c", "same"}}) // takes b's place
	f.cut()
	if len(f.frames) != 2 || f.faster != 1 {
		t.Fatalf("%d frames, %.1f times as fast", len(f.frames), f.faster)
	}
	got := picture{columns: 1, rows: 2}.film(f)
	for _, want := range []string{`visibility="hidden">a<`, `">c<`, `,19)">same<`} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in %s", want, got)
		}
	}
	if strings.Contains(got, `hidden">c<`) || strings.Contains(got, ">b<") {
		t.Error("what is seen where nothing moves is not the last frame")
	}
}
