package main

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Sizes in pixels: a cell, the margin around the screen, the bar above it and
// the caption below.
const (
	cellWidth  = 8.4
	cellHeight = 19
	baseline   = 14
	margin     = 16
	barHeight  = 34
	footHeight = 30
)

// picture is what does not change while a film runs.
type picture struct {
	columns, rows int
	ink, paper    int
	caption       string
}

func colour(rgb int) string { return fmt.Sprintf("#%06x", rgb) }

// drawRows draws each row of a screen as the inside of a <g> that is moved to
// its place.
func drawRows(s *screen) []string {
	rows := make([]string, len(s.cells))
	for i, cells := range s.cells {
		if i == s.row && s.col < len(cells) {
			cells = slices.Clone(cells)
			cells[s.col].look.reverse = !cells[s.col].look.reverse
		}
		rows[i] = drawRow(cells, s.ink, s.paper)
	}
	return rows
}

// drawRow draws runs of cells that look the same: their ground, then their text.
func drawRow(cells []cell, ink, paper int) string {
	var grounds, texts strings.Builder
	for i := 0; i < len(cells); {
		j := i + 1
		for j < len(cells) && cells[j].look == cells[i].look {
			j++
		}
		drawRun(&grounds, &texts, cells[i:j], i, ink, paper)
		i = j
	}
	return grounds.String() + texts.String()
}

func drawRun(grounds, texts *strings.Builder, run []cell, col, ink, paper int) {
	l := run[0].look
	fg, bg := l.fg, l.bg
	if fg < 0 {
		fg = ink
	}
	if bg < 0 {
		bg = paper
	}
	if l.reverse {
		fg, bg = bg, fg
	}
	if bg != paper {
		fmt.Fprintf(grounds, `<rect x="%.1f" width="%.1f" height="%d" fill="%s"/>`,
			float64(col)*cellWidth, float64(len(run))*cellWidth, cellHeight, colour(bg))
	}
	// Blanks at both ends need no ink.
	blank := func(c cell) bool { return c.text == " " && !l.underline && !l.strike }
	for len(run) > 0 && blank(run[0]) {
		run, col = run[1:], col+1
	}
	for len(run) > 0 && blank(run[len(run)-1]) {
		run = run[:len(run)-1]
	}
	if len(run) == 0 {
		return
	}
	var text strings.Builder
	for _, c := range run {
		text.WriteString(c.text)
	}
	style := ""
	if fg != ink {
		style += ` fill="` + colour(fg) + `"`
	}
	if l.bold {
		style += ` font-weight="bold"`
	}
	if l.italic {
		style += ` font-style="italic"`
	}
	if l.underline {
		style += ` text-decoration="underline"`
	} else if l.strike {
		style += ` text-decoration="line-through"`
	}
	// With its length given, a text fits its cells in any font.
	fmt.Fprintf(texts, `<text x="%.1f" y="%d" textLength="%.1f"%s>%s</text>`,
		float64(col)*cellWidth, baseline, float64(len(run))*cellWidth, style, escape(text.String()))
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// still is one frame.
func (p picture) still(f frame) string {
	var body strings.Builder
	for i, row := range f.rows {
		p.place(&body, i, row, "")
	}
	return p.wrap("", body.String())
}

func (p picture) place(b *strings.Builder, row int, inside, attributes string) {
	if inside != "" {
		fmt.Fprintf(b, `<g transform="translate(0,%d)"%s>%s</g>`+"\n", row*cellHeight, attributes, inside)
	}
}

// film shows each version of a row for its time, again and again. Where nothing
// moves, the last version is what is seen.
func (p picture) film(f *film) string {
	var body, css strings.Builder
	fmt.Fprintf(&css, "g[class]{animation-duration:%.2fs;animation-timing-function:step-end;animation-iteration-count:infinite}\n", f.length.Seconds())
	fmt.Fprint(&css, "@media (prefers-reduced-motion:reduce){g[class]{animation:none!important}}\n")
	known := map[string]bool{}
	percent := func(d time.Duration) string {
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.2f", 100*d.Seconds()/f.length.Seconds()), "0"), ".")
	}
	for row := range p.rows {
		for _, v := range versions(f, row) {
			if v.from == 0 && v.to == f.length {
				p.place(&body, row, v.inside, "")
				continue
			}
			from, to := percent(v.from), percent(v.to)
			name := "t" + strings.ReplaceAll(from+"_"+to, ".", "-")
			if !known[name] && v.inside != "" {
				known[name] = true
				fmt.Fprintf(&css, ".%s{animation-name:%s}@keyframes %s{", name, name, name)
				if v.from > 0 {
					fmt.Fprint(&css, "0%{visibility:hidden}")
				}
				fmt.Fprintf(&css, "%s%%{visibility:visible}", from)
				if v.to < f.length {
					fmt.Fprintf(&css, "%s%%{visibility:hidden}", to)
				}
				fmt.Fprint(&css, "}\n")
			}
			attributes := ` class="` + name + `"`
			if v.to < f.length {
				attributes += ` visibility="hidden"`
			}
			p.place(&body, row, v.inside, attributes)
		}
	}
	return p.wrap(css.String(), body.String())
}

// version is what a row shows from one time to another.
type version struct {
	inside   string
	from, to time.Duration
}

func versions(f *film, row int) []version {
	all := []version{{f.frames[0].rows[row], 0, f.length}}
	for _, fr := range f.frames[1:] {
		last := &all[len(all)-1]
		if fr.rows[row] == last.inside {
			continue
		}
		last.to = fr.at
		all = append(all, version{fr.rows[row], fr.at, f.length})
	}
	return all
}

// wrap puts a screen into its window, with the caption below.
func (p picture) wrap(css, body string) string {
	width := float64(p.columns)*cellWidth + 2*margin
	height := p.rows*cellHeight + barHeight + margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" xml:space="preserve" role="img" aria-label="%s">`+"\n",
		width, height+footHeight, width, height+footHeight, "Neovim with a note on the left; on the right its summary is being written")
	fmt.Fprintf(&b, "<style>text{font-size:14px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre}\n.foot{font-size:12px;font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}\n%s</style>\n", css)
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%.0f" height="%d" rx="10" fill="%s" stroke="#4f5258"/>`+"\n", width-1, height-1, colour(p.paper))
	for i, c := range []string{"#ec6a5e", "#f4bf4f", "#61c554"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="17" r="5.5" fill="%s"/>`+"\n", 22+20*i, c)
	}
	fmt.Fprintf(&b, `<g transform="translate(%d,%d)" fill="%s">`+"\n%s</g>\n", margin, barHeight, colour(p.ink), body)
	fmt.Fprintf(&b, `<text class="foot" x="%.0f" y="%d" text-anchor="middle" fill="#808080">%s</text>`+"\n</svg>\n",
		width/2, height+footHeight-10, escape(p.caption))
	return b.String()
}
