package ollama

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/ollama/ollama/api"

	"career.nvim/llm/llmtest"
)

// The same 5,000 tokens that come at once, read by Client, by api.Client alone
// and by a loop that only looks for the ends of lines.
func BenchmarkFiveThousandTokens(b *testing.B) {
	f := llmtest.New(b)
	tokens := make([]string, 5000)
	for i := range tokens {
		tokens[i] = fmt.Sprintf(" word%d", i)
	}
	f.ChatAlways(func(w *llmtest.Stream, _ llmtest.Request) {
		w.Tokens(tokens)
		w.Done("stop")
	})
	c := newClient(b, f.URL)
	req := ask("tiny")
	wire, err := req.wire()
	if err != nil {
		b.Fatal(err)
	}
	base, err := url.Parse(f.URL)
	if err != nil {
		b.Fatal(err)
	}
	plain := api.NewClient(base, &http.Client{Transport: newTransport(false)})

	readers := []struct {
		name string
		read func() int
	}{
		{"client", func() (n int) {
			if _, err := c.Chat(b.Context(), req, func(string) { n++ }); err != nil {
				b.Error(err)
			}
			return n
		}},
		{"api", func() (n int) {
			err := plain.Chat(b.Context(), wire, func(a api.ChatResponse) error {
				if a.Message.Content != "" {
					n++
				}
				return nil
			})
			if err != nil {
				b.Error(err)
			}
			return n
		}},
		{"lines", func() (n int) {
			body := []byte(`{"model":"tiny","messages":[{"role":"user","content":"?"}],"truncate":false,"options":{"num_ctx":4096,"num_predict":1}}`)
			resp, err := http.Post(f.URL+"/api/chat", "application/json", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			defer resp.Body.Close()
			for lines := bufio.NewScanner(resp.Body); lines.Scan(); n++ {
			}
			return n - 1
		}},
	}
	for _, r := range readers {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n := r.read(); n != len(tokens) {
					b.Fatalf("%d tokens", n)
				}
			}
		})
	}
}
