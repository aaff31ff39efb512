package ollama

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"career.nvim/llm/llmtest"
)

func newClient(tb testing.TB, host string) *Client {
	tb.Helper()
	c, err := New(Config{Host: host})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}

func ask(model string) ChatRequest {
	return ChatRequest{Model: model, System: "Be brief.", User: "How was it?", Context: 4096, Predict: 100}
}

func ignore(string) {}

func TestServerDescribesItself(t *testing.T) {
	f := llmtest.New(t)
	day := func(n int) time.Time { return time.Date(2025, 11, n, 0, 0, 0, 0, time.UTC) }
	f.Models = []llmtest.Model{
		{Name: "old", Context: 2048, Modified: day(1)},
		{Name: "new:7b", Context: 32768, Capabilities: []string{"completion", "thinking"}, Modified: day(3), Loaded: 8192},
		{Name: "far", Capabilities: []string{"completion"}, Modified: day(2), RemoteHost: "https://example.com"},
		{Name: "old-embed", Family: "nomic-bert", Context: 2048},
		{Name: "embed", Family: "qwen3", Context: 512, Capabilities: []string{"embedding"}},
	}
	c := newClient(t, f.URL)
	ctx := t.Context()

	if got, err := c.Version(ctx); got != "0.17.4" || err != nil {
		t.Errorf("version %q, %v", got, err)
	}

	models, err := c.Models(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range models {
		names = append(names, m.Name)
		if m.Remote != (m.Name == "far:latest") {
			t.Errorf("%s: remote %v", m.Name, m.Remote)
		}
	}
	if want := []string{"new:7b", "far:latest", "old:latest", "old-embed:latest", "embed:latest"}; !reflect.DeepEqual(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if m := models[0]; m.Family != "llama" || m.ParameterSize == "" || m.Quantization == "" || m.Size == 0 || m.Digest == "" || !m.Modified.Equal(day(3)) {
		t.Errorf("incomplete: %+v", m)
	}

	infos := []Info{
		{Name: "old", Context: 2048, Family: "llama", Completes: true},
		{Name: "new:7b", Context: 32768, Family: "llama", Completes: true, Thinks: true, HasCapabilities: true},
		{Name: "far", Family: "llama", Completes: true, HasCapabilities: true, Remote: true},
		{Name: "old-embed", Context: 2048, Family: "nomic-bert"},
		{Name: "embed", Context: 512, Family: "qwen3", Embeds: true, HasCapabilities: true},
	}
	for _, want := range infos {
		if got, err := c.Show(ctx, want.Name); got != want || err != nil {
			t.Errorf("got %+v, %v\nwant %+v", got, err, want)
		}
	}

	loaded, err := c.Loaded(ctx)
	if err != nil || len(loaded) != 1 || loaded[0].Name != "new:7b" || loaded[0].Context != 8192 || loaded[0].Expires.Before(time.Now()) {
		t.Errorf("loaded %+v, %v", loaded, err)
	}
	if err := c.Unload(ctx, "new:7b"); err != nil {
		t.Fatal(err)
	}
	if loaded, err := c.Loaded(ctx); err != nil || len(loaded) != 0 {
		t.Errorf("loaded after unloading: %+v, %v", loaded, err)
	}
}

func TestWhatIsNotOllamaIsToldApart(t *testing.T) {
	calls := map[string]func(context.Context, *Client) error{
		"version": func(ctx context.Context, c *Client) error { _, err := c.Version(ctx); return err },
		"models":  func(ctx context.Context, c *Client) error { _, err := c.Models(ctx); return err },
		"show":    func(ctx context.Context, c *Client) error { _, err := c.Show(ctx, "tiny"); return err },
		"loaded":  func(ctx context.Context, c *Client) error { _, err := c.Loaded(ctx); return err },
	}
	tests := []struct {
		name, contentType, body string
		status                  int
	}{
		{"a web page", "text/html; charset=utf-8", "<html><body>Welcome!</body></html>", 200},
		{"a page that is not there", "text/html", "<html>404</html>", 404},
		{"a route that is not there", "text/plain", "404 page not found", 404},
		{"a method that is not there", "text/plain", "Method Not Allowed", 405},
		{"plain text", "text/plain", "Ollama is not running", 200},
		{"nothing", "", "", 200},
		{"somebody else's JSON", "application/json", `{"status":"up"}`, 200},
		{"JSON of another shape", "application/json", `[1,2,3]`, 200},
		{"half a JSON", "application/json", `{"models":[`, 200},
		{"no content", "", "", 204},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			f.Handle("/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			c := newClient(t, f.URL)
			for op, call := range calls {
				var e *Error
				if err := call(t.Context(), c); !errors.As(err, &e) || e.Kind != NotOllama || e.Op != op {
					t.Errorf("%s: got %v", op, err)
				}
			}
		})
	}
}

func TestMissingModelIsNotFound(t *testing.T) {
	f := llmtest.New(t)
	c := newClient(t, f.URL)
	var e *Error
	_, err := c.Show(t.Context(), "nope")
	if !errors.As(err, &e) || e.Kind != NotFound || e.Model != "nope" || e.Status != 404 || e.Detail != "model 'nope' not found" {
		t.Errorf("show: %v", err)
	}
	if err := c.Unload(t.Context(), "nope"); !errors.As(err, &e) || e.Kind != NotFound {
		t.Errorf("unload: %v", err)
	}
}

func TestNobodyThereIsNotRunning(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for _, host := range []string{l.Addr().String(), "name.invalid:1"} {
		c := newClient(t, host)
		_, err := c.Version(t.Context())
		var e *Error
		if !errors.As(err, &e) || e.Kind != NotRunning || e.Host != host || e.Status != 0 {
			t.Errorf("%s: got %v", host, err)
		}
	}
}

func TestSomethingThatSpeaksNoHTTPIsNotOllama(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "220 mail.example.com ESMTP\r\n")
			io.Copy(io.Discard, conn)
			conn.Close()
		}
	}()
	for _, host := range []string{l.Addr().String(), "https://" + l.Addr().String()} {
		_, err = newClient(t, host).Version(t.Context())
		var e *Error
		if !errors.As(err, &e) || e.Kind != NotOllama {
			t.Errorf("%s: got %v", host, err)
		}
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	f := llmtest.New(t)
	c := newClient(t, f.URL)
	var dials atomic.Int32
	dial := c.transport.DialContext
	c.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx, network, address)
	}
	for range 3 {
		f.Say("one ", "two")
		if _, err := c.Chat(t.Context(), ask("tiny"), ignore); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Show(t.Context(), "tiny"); err != nil {
			t.Fatal(err)
		}
		c.Show(t.Context(), "nope")
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

func TestCancelledRequestIsNoFault(t *testing.T) {
	f := llmtest.New(t)
	f.Handle("/api/version", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := newClient(t, f.URL)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { f.Await("/api/version", 1); cancel() }()
	_, err := c.Version(ctx)
	var e *Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &e) || !strings.Contains(err.Error(), "version") {
		t.Errorf("got %v", err)
	}
}
