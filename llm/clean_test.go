package llm

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCleanerMakesAnAnswerFitForANote(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain text stays", "- one\n- two", "- one\n- two"},
		{"blank lines at both ends go", "\n\n  \n- one\n\n- two\n\n \n", "- one\n\n- two"},
		{"an indent at the start stays", "  - one\n  - two\n", "  - one\n  - two"},
		{"control characters go", "a\x1b[31mb\x00\x07c\td\u0085", "a[31mbc\td"},
		{"line ends become newlines", "a\r\nb\rc", "a\nb\nc"},
		{"a Markdown fence around all goes", "```markdown\n# One\n\ntext\n```\n", "# One\n\ntext"},
		{"so does a bare one", "\n```\n# One\n```", "# One"},
		{"a code fence at the start stays", "```go\nx := 1\n```", "```go\nx := 1\n```"},
		{"a fence in the middle stays", "Text:\n\n```\nx\n```", "Text:\n\n```\nx\n```"},
		{"code inside the fence around all stays", "```md\nA:\n```go\nx\n```\nB\n```", "A:\n```go\nx\n```\nB"},
		{"inline code at the start stays", "`x` is y", "`x` is y"},
		{"nothing but white space is nothing", " \n\n\t\n", ""},
		{"emoji and CJK stay", "日本 🙂\n", "日本 🙂"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(40) {
				rng := rand.New(rand.NewPCG(seed, 1))
				var c cleaner
				var got strings.Builder
				for rest := tt.in; rest != ""; {
					k := 1 + rng.IntN(4)
					for k = min(k, len(rest)); k < len(rest) && rest[k]&0xc0 == 0x80; k++ {
					}
					got.WriteString(c.write(rest[:k]))
					rest = rest[k:]
				}
				got.WriteString(c.end())
				if got.String() != tt.want {
					t.Fatalf("got %q, want %q (seed %d)", got.String(), tt.want, seed)
				}
			}
		})
	}
}
