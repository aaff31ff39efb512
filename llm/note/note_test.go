package note

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestBody(t *testing.T) {
	for _, tt := range []struct{ name, in, front string }{
		{"no front matter", "# Title\n\ntext\n", ""},
		{"YAML", "---\ntitle: a\n---\ntext\n", "---\ntitle: a\n---\n"},
		{"TOML", "+++\ntitle = 1\n+++\n\ntext\n", "+++\ntitle = 1\n+++\n"},
		{"CRLF", "---\r\na: 1\r\n---\r\ntext\r\n", "---\r\na: 1\r\n---\r\n"},
		{"a rule on the first line is no front matter", "---\n\ntext\n", ""},
		{"nothing but front matter, without a last newline", "---\na: 1\n---", "---\na: 1\n---"},
		{"empty", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in[:Body(tt.in)]; got != tt.front {
				t.Errorf("front matter %q, want %q", got, tt.front)
			}
		})
	}
}

func bytesOf(s string) int { return len(s) }

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		name  string
		in    string
		limit int
		want  []Part
	}{
		{"all fits", "one\n\ntwo\n", 100, []Part{{"one\n\ntwo\n", 1, 3}}},
		{"between paragraphs", "aaaa\nbb\n\ncc\n", 10, []Part{{"aaaa\nbb\n\n", 1, 3}, {"cc\n", 4, 4}}},
		{"a paragraph that fits is not cut to fill a part", "aaaa\n\nbb\ncc\n", 8, []Part{{"aaaa\n\n", 1, 2}, {"bb\ncc\n", 3, 4}}},
		{"between lines", "aaaa\nbbbb\n", 6, []Part{{"aaaa\n", 1, 1}, {"bbbb\n", 2, 2}}},
		{"between sentences", "One. Two. Three.", 10, []Part{{"One. Two. ", 1, 1}, {"Three.", 1, 1}}},
		{"between words", "aaa bbb ccc", 8, []Part{{"aaa bbb ", 1, 1}, {"ccc", 1, 1}}},
		{"inside a word", "aaaaaaa", 3, []Part{{"aaa", 1, 1}, {"aaa", 1, 1}, {"a", 1, 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Split(tt.in, tt.limit, bytesOf)
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("part %d is %+v, want %+v", i, got[i], tt.want[i])
				}
			}
		})
	}
}

func TestSplitKeepsEveryByteInOrderAndWithinTheLimit(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	alphabet := []string{"a", "bc", " ", " ", ". ", "\n", "\n\n", "日本。", "🙂", "ไทย", "# x\n", "\t", "\r\n", "\xff"}
	for range 2000 {
		var sb strings.Builder
		for range rng.IntN(200) {
			sb.WriteString(alphabet[rng.IntN(len(alphabet))])
		}
		text, limit := sb.String(), 4+rng.IntN(60)
		var all strings.Builder
		line := 1
		for _, p := range Split(text, limit, bytesOf) {
			if len(p.Text) > limit {
				t.Fatalf("part of %d bytes, limit %d: %q", len(p.Text), limit, p.Text)
			}
			if p.First != line {
				t.Fatalf("part starts at line %d, want %d: %q", p.First, line, text)
			}
			all.WriteString(p.Text)
			line += strings.Count(p.Text, "\n")
		}
		if all.String() != text {
			t.Fatalf("parts make %q, want %q", all.String(), text)
		}
	}
}
