// Package llmtest is a small, strict stand-in for an Ollama server. It answers
// /api/chat with what a test has queued, the other routes from a list of models,
// and fails the test when it is asked something that career.nvim must never ask:
// an unknown field, a missing window, a prompt that may be cut.
//
// It knows no model and no tokenizer. It was made after Ollama 0.17.4.
//
// Start with New and Fake.Say.
package llmtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"
)

// Reporter is the part of testing.TB that is used, so that a program that is no
// test can have a fake server as well. Errorf must be safe for many goroutines.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Cleanup(func())
}

// Fake is one server. The exported fields are read while it answers: set them
// before the first request, later use SetModels.
type Fake struct {
	URL     string
	Version string           // "0.17.4"
	Models  []Model          // one, "tiny"
	Count   func(c Chat) int // prompt_eval_count; nil: bytes of all contents / 4

	tb      Reporter
	release chan struct{} // one for each Hold that may go on

	mu       sync.Mutex
	came     *sync.Cond // a request was recorded
	requests []Request
	queue    []Script
	always   Script
	routes   map[string]http.HandlerFunc
	busy     bool
	idle     chan struct{} // closed when busy ends
	expires  time.Time     // of all models: moves when a request has ended
}

// Script answers one chat. It must end the answer: with Done, End, Error, Cut or
// Status, or because the client has hung up.
type Script func(w *Stream, r Request)

// Request is one request as it came.
type Request struct {
	Path string
	Body []byte
	Chat Chat // of /api/chat
	At   time.Time
	// Cancelled is closed when the client hangs up before the answer has ended.
	Cancelled <-chan struct{}
}

// New starts a server on a free port of 127.0.0.1. It ends with the test, and
// fails it when queued answers were not asked for.
func New(tb Reporter) *Fake {
	tb.Helper()
	f := &Fake{
		Version: "0.17.4",
		Models:  []Model{Tiny()},
		tb:      tb,
		release: make(chan struct{}, 1000),
		routes:  map[string]http.HandlerFunc{},
		expires: time.Now().Add(5 * time.Minute),
	}
	f.came = sync.NewCond(&f.mu)
	srv := httptest.NewServer(http.HandlerFunc(f.serve))
	f.URL = srv.URL
	tb.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
		f.mu.Lock()
		defer f.mu.Unlock()
		if n := len(f.queue); n > 0 {
			tb.Errorf("llmtest: %d queued answers were not asked for", n)
		}
	})
	return f
}

// Chat queues an answer for the next chat that no earlier one is queued for.
func (f *Fake) Chat(s Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queue = append(f.queue, s)
}

// ChatAlways answers every chat that finds the queue empty, which otherwise is
// an error.
func (f *Fake) ChatAlways(s Script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.always = s
}

// Say queues an answer of these tokens that ends well.
func (f *Fake) Say(tokens ...string) {
	f.Chat(func(w *Stream, _ Request) {
		for _, t := range tokens {
			w.Token(t)
		}
		w.Done("stop")
	})
}

// Handle takes over a route for good: "/api/version", or "/" for all the others.
func (f *Fake) Handle(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.routes[path] = h
}

// Requests returns what has come so far.
func (f *Fake) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Await returns the nth request (from 1) for a path, as soon as it has come. It
// gives up after ten seconds, with an error.
func (f *Fake) Await(path string, n int) Request {
	f.tb.Helper()
	deadline := time.Now().Add(10 * time.Second)
	timer := time.AfterFunc(time.Until(deadline), f.came.Broadcast)
	defer timer.Stop()
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		left := n
		for _, r := range f.requests {
			if r.Path == path {
				if left--; left == 0 {
					return r
				}
			}
		}
		if !time.Now().Before(deadline) {
			f.tb.Errorf("llmtest: request %d for %s did not come", n, path)
			gone := make(chan struct{})
			close(gone)
			return Request{Path: path, Cancelled: gone}
		}
		f.came.Wait()
	}
}

// Release lets one Stream.Hold go on, now or when it comes.
func (f *Fake) Release() { f.release <- struct{}{} }

// SetBusy makes the models busy with a prompt that nobody waits for, as an
// engine is that does not see a hang-up: /api/generate with a prompt is answered
// only after SetBusy(false) or after the model was unloaded.
func (f *Fake) SetBusy(busy bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.setBusy(busy)
}

func (f *Fake) setBusy(busy bool) {
	if busy == f.busy {
		return
	}
	if f.busy = busy; busy {
		f.idle = make(chan struct{})
	} else {
		close(f.idle)
	}
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // gone already
	}
	req := Request{Path: r.URL.Path, Body: body, At: time.Now()}
	cancelled, finished := watch(r.Context())
	defer finished()
	req.Cancelled = cancelled

	var problem error
	if req.Path == "/api/chat" {
		req.Chat, problem = parseChat(r.Method, body)
	}
	f.mu.Lock()
	f.requests = append(f.requests, req)
	f.came.Broadcast()
	own := f.routes[req.Path]
	if own == nil {
		own = f.routes["/"]
	}
	f.mu.Unlock()

	switch {
	case problem != nil:
		f.tb.Errorf("llmtest: chat: %v", problem)
		reply(w, http.StatusBadRequest, map[string]any{"error": problem.Error()})
	case own != nil:
		own(w, r)
	default:
		f.route(w, r, req)
	}
}

func (f *Fake) route(w http.ResponseWriter, r *http.Request, req Request) {
	switch r.Method + " " + req.Path {
	case "GET /", "HEAD /":
		io.WriteString(w, "Ollama is running")
	case "GET /api/version":
		reply(w, http.StatusOK, map[string]any{"version": f.Version})
	case "GET /api/tags":
		f.tags(w)
	case "GET /api/ps":
		f.ps(w)
	case "POST /api/show":
		f.show(w, req)
	case "POST /api/chat":
		defer f.used()
		f.chat(w, r, req)
	case "POST /api/generate":
		defer f.used()
		f.generate(w, r, req)
	default:
		http.Error(w, "404 page not found", http.StatusNotFound)
	}
}

// used starts the models' time to live anew, as the end of a request does.
func (f *Fake) used() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expires = time.Now().Add(5 * time.Minute)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func notFound(w http.ResponseWriter, model string) {
	reply(w, http.StatusNotFound, map[string]any{"error": fmt.Sprintf("model '%s' not found", model)})
}
