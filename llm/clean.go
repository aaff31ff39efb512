package llm

import (
	"strings"
	"unicode"
)

// cleaner makes an answer fit to stand in a note while it streams: control
// characters are dropped, line ends made "\n", blank lines at both ends and a
// Markdown fence around the whole answer taken off.
type cleaner struct {
	begun  bool   // something visible was passed on
	fenced bool   // the answer began with a fence, which was taken off
	line   string // what is known of a line that may be a fence, held back
	inLine bool   // part of the current line was passed on
	sawCR  bool   // the last token ended in "\r"
	blanks string // white space held back until something visible follows
}

// write takes the next piece of the answer and returns what may be shown.
func (c *cleaner) write(s string) string {
	s = strings.ReplaceAll(c.cr(s), "\r", "\n")
	s = strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && unicode.IsControl(r) || r == '\ufeff' {
			return -1
		}
		return r
	}, s)
	var out strings.Builder
	for s != "" {
		line, rest, ended := strings.Cut(s, "\n")
		s = rest
		if c.held() {
			c.line += line
			if !ended && mayBeFence(c.line) {
				break
			}
			if ended {
				c.settle(&out)
			} else {
				c.release(&out)
			}
		} else {
			c.pass(&out, line)
		}
		if ended {
			c.pass(&out, "\n")
		}
	}
	return out.String()
}

// cr makes "\n" of "\r\n", also where a token ends between the two.
func (c *cleaner) cr(s string) string {
	if c.sawCR {
		s = strings.TrimPrefix(s, "\n")
	}
	c.sawCR = strings.HasSuffix(s, "\r")
	return strings.ReplaceAll(s, "\r\n", "\n")
}

// held says whether the current line is being looked at: the first visible one,
// and each later one once a fence was taken off.
func (c *cleaner) held() bool { return (!c.begun || c.fenced) && !c.inLine }

func mayBeFence(line string) bool {
	t := strings.TrimLeft(line, " ")
	if len(t) < 3 {
		return strings.HasPrefix("```", t)
	}
	return strings.HasPrefix(t, "```") && len(t) < 16
}

// settle decides on a whole line that was held back.
func (c *cleaner) settle(out *strings.Builder) {
	t := strings.TrimSpace(c.line)
	switch {
	case !c.begun && !c.fenced && (t == "```" || t == "```markdown" || t == "```md"):
		c.fenced = true
		c.line = ""
	case c.begun && c.fenced && t == "```":
		// The fence's end, if nothing visible follows.
		c.blanks += c.line
		c.line = ""
	default:
		c.release(out)
	}
}

func (c *cleaner) release(out *strings.Builder) {
	line := c.line
	c.line = ""
	c.pass(out, line)
}

// pass lets text through, white space only once something visible follows.
func (c *cleaner) pass(out *strings.Builder, s string) {
	if s == "" {
		return
	}
	c.inLine = s != "\n"
	seen := strings.TrimRightFunc(s, unicode.IsSpace)
	if seen != "" {
		out.WriteString(c.blanks)
		out.WriteString(seen)
		c.blanks, c.begun = "", true
	}
	if c.blanks += s[len(seen):]; !c.begun {
		if c.inLine = false; s == "\n" {
			c.blanks = "" // a blank line before the answer
		}
	}
}

// end returns what is left; the answer has no blank line at its end.
func (c *cleaner) end() string {
	var out strings.Builder
	c.settle(&out)
	return strings.TrimRightFunc(out.String(), unicode.IsSpace)
}
