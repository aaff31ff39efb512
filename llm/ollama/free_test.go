package ollama

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"career.nvim/llm/llmtest"
)

// afterHangUp is a client whose Chat was cancelled before the first token, at a
// server whose engine reads on when busy.
func afterHangUp(t *testing.T, f *llmtest.Fake, busy bool, keepAlive string) *Client {
	t.Helper()
	c := newClient(t, f.URL)
	c.freeWait = 50 * time.Millisecond
	f.Chat(func(w *llmtest.Stream, _ llmtest.Request) { w.WaitGone() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { f.Await("/api/chat", 1); cancel() }()
	req := ask("tiny")
	req.KeepAlive = keepAlive
	c.Chat(ctx, req, ignore)
	f.SetBusy(busy)
	return c
}

func stillLoaded(t *testing.T, c *Client) bool {
	t.Helper()
	loaded, err := c.Loaded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return len(loaded) > 0
}

func paths(f *llmtest.Fake) (all []string) {
	for _, r := range f.Requests() {
		all = append(all, r.Path)
	}
	return all
}

func TestIdleModelStaysLoaded(t *testing.T) {
	f := llmtest.New(t)
	c := afterHangUp(t, f, false, "10m")
	c.freeWait = time.Minute
	if err := c.Free(t.Context(), "tiny"); err != nil {
		t.Error(err)
	}
	if !stillLoaded(t, c) {
		t.Error("it was unloaded")
	}
}

func TestModelThatReadsOnIsUnloaded(t *testing.T) {
	f := llmtest.New(t)
	c := afterHangUp(t, f, true, "10m")
	if err := c.Free(t.Context(), "tiny"); err != nil {
		t.Error(err)
	}
	if stillLoaded(t, c) {
		t.Error("it is still loaded")
	}
}

func TestModelThatSomebodyElseUsesIsLeftAlone(t *testing.T) {
	f := llmtest.New(t)
	c := afterHangUp(t, f, true, "10m")
	f.Handle("/api/ps", func(w http.ResponseWriter, _ *http.Request) { // expires_at does not move
		io.WriteString(w, `{"models":[{"name":"tiny:latest","expires_at":"2030-01-01T00:00:00Z","context_length":4096}]}`)
	})
	if err := c.Free(t.Context(), "tiny"); err != nil {
		t.Error(err)
	}
	asked := 0
	for _, r := range f.Requests() {
		if r.Path == "/api/generate" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d requests after the hang-up, want the one that asks: %q", asked, paths(f))
	}
}

func TestModelThatGoesByItselfIsNotLoadedAgain(t *testing.T) {
	f := llmtest.New(t)
	c := afterHangUp(t, f, true, "0")
	if err := c.Free(t.Context(), "tiny"); err != nil {
		t.Error(err)
	}
	if slices.Contains(paths(f), "/api/generate") {
		t.Errorf("asked %q", paths(f))
	}
}

func TestModelThatIsNotLoadedIsNotAskedFor(t *testing.T) {
	f := llmtest.New(t)
	c := afterHangUp(t, f, true, "10m")
	tiny := llmtest.Tiny()
	tiny.Loaded = 0
	f.SetModels(tiny)
	if err := c.Free(t.Context(), "tiny"); err != nil {
		t.Error(err)
	}
	if slices.Contains(paths(f), "/api/generate") {
		t.Errorf("asked %q", paths(f))
	}
}

func TestModelThatWasNeverAskedIsNotFreed(t *testing.T) {
	f := llmtest.New(t)
	if err := newClient(t, f.URL).Free(t.Context(), "tiny"); err != nil || len(f.Requests()) != 0 {
		t.Errorf("%v, %q", err, paths(f))
	}
}
