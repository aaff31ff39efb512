// Package note knows how a note is built: what is front matter, and where a
// text may be cut so that its parts fit a model's window.
package note

import (
	"strings"
	"unicode/utf8"
)

// Body returns the number of bytes of front matter (YAML between lines of "---"
// or TOML between lines of "+++") that a text starts with, 0 if there is none.
func Body(text string) int {
	for _, mark := range []string{"---", "+++"} {
		first, rest, ok := strings.Cut(text, "\n")
		if !ok || strings.TrimRight(first, " \t\r") != mark {
			continue
		}
		at := len(first) + 1
		for rest != "" {
			line, more, _ := strings.Cut(rest, "\n")
			at += min(len(line)+1, len(rest))
			if strings.TrimRight(line, " \t\r") == mark {
				return at
			}
			rest = more
		}
	}
	return 0
}

// Part is a stretch of a text. All parts, put together, are the text.
type Part struct {
	Text        string
	First, Last int // line numbers, from 1
}

// Split cuts a text into parts whose size is at most limit. It cuts between
// paragraphs where it can, else between lines, sentences, words, and only then
// inside a word. The size of a part is the sum of the sizes of its pieces, as
// size tells them; size must be at most that of the text's bytes.
func Split(text string, limit int, size func(string) int) []Part {
	var parts []Part
	line := 1
	start, used := 0, 0 // the part that is being filled: where it starts, its size
	at := 0
	flush := func() {
		if at == start {
			return
		}
		p := Part{Text: text[start:at], First: line}
		n := strings.Count(p.Text, "\n")
		p.Last = line + n
		if strings.HasSuffix(p.Text, "\n") {
			p.Last--
		}
		line += n
		parts = append(parts, p)
		start, used = at, 0
	}
	var add func(piece string, level int)
	add = func(piece string, level int) {
		n := size(piece)
		if used+n > limit && (n > limit || level == 0) {
			// Too long for any part, or better kept whole in the next one.
			if n <= limit {
				flush()
			} else if level+1 < len(cuts) {
				for rest := piece; rest != ""; {
					k := cuts[level+1](rest)
					add(rest[:k], level+1)
					rest = rest[k:]
				}
				return
			}
		}
		if used+n > limit {
			flush()
		}
		at += len(piece)
		used += n
	}
	for rest := text; rest != ""; {
		k := cuts[0](rest)
		add(rest[:k], 0)
		rest = rest[k:]
	}
	flush()
	return parts
}

// cuts tell, from coarse to fine, how long the first piece of a text is: at
// least one byte, at most all of it.
var cuts = []func(string) int{paragraph, oneLine, sentence, word, character}

// paragraph ends behind the blank lines that follow it.
func paragraph(s string) int {
	at := 0
	blank := false
	for at < len(s) {
		k := oneLine(s[at:])
		empty := strings.TrimSpace(s[at:at+k]) == ""
		if blank && !empty {
			return at
		}
		blank = empty
		at += k
	}
	return at
}

func oneLine(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i + 1
	}
	return len(s)
}

// sentence ends behind a full stop and the blank after it, or behind an
// ideographic one.
func sentence(s string) int {
	for i, r := range s {
		switch r {
		case '.', '!', '?', '…':
			if k := i + utf8.RuneLen(r); k < len(s) && s[k] == ' ' {
				return k + 1
			}
		case '。', '！', '？':
			return i + utf8.RuneLen(r)
		}
	}
	return len(s)
}

func word(s string) int {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return i + 1
	}
	return len(s)
}

func character(s string) int {
	_, k := utf8.DecodeRuneInString(s)
	return k
}
