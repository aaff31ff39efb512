package llmtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a test that is allowed to fail.
type recorder struct {
	mu       sync.Mutex
	errors   []string
	cleanups []func()
}

func (r *recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// end runs the cleanups and returns what was complained about.
func (r *recorder) end() []string {
	for _, f := range r.cleanups {
		f()
	}
	return r.errors
}

const good = `{"model":"tiny","messages":[{"role":"user","content":"twelve bytes"}],"truncate":false,"options":{"num_ctx":4096,"num_predict":10}}`

func post(t *testing.T, f *Fake, path, body string) (int, string, error) {
	t.Helper()
	resp, err := http.Post(f.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestWrongChatsFailTheTest(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the good request", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	tests := []struct{ name, body, want string }{
		{"a good one does not", good, ""},
		{"one with everything does not", change(`"num_predict":10`,
			`"num_predict":10,"temperature":0.2,"seed":7,"use_mmap":true,"stop":["a"]},"stream":true,"keep_alive":"10m","think":"low","format":{"type":"object"`), ""},
		{"no JSON", "{", "unexpected EOF"},
		{"an unknown field", change(`"model"`, `"shift":false,"model"`), "shift"},
		{"a field of a wrong type", change(`"tiny"`, `7`), "number"},
		{"not streamed", change(`"model"`, `"stream":false,"model"`), "stream"},
		{"truncate left out", change(`"truncate":false,`, ``), "truncate"},
		{"truncate true", change(`"truncate":false`, `"truncate":true`), "truncate"},
		{"no window", change(`"num_ctx":4096,`, ``), "num_ctx"},
		{"no end", change(`"num_predict":10`, `"num_predict":-1`), "num_predict"},
		{"an option of a wrong type", change(`"num_predict":10`, `"num_predict":10,"seed":"7"`), "seed"},
		{"half an integer", change(`"num_predict":10`, `"num_predict":10,"top_k":1.5`), "top_k"},
		{"an unknown option", change(`"num_predict":10`, `"num_predict":10,"heat":1`), "heat"},
		{"a wrong keep_alive", change(`"model"`, `"keep_alive":"ten","model"`), "ten"},
		{"a wrong think", change(`"model"`, `"think":"hard","model"`), "think"},
		{"no message", change(`{"role":"user","content":"twelve bytes"}`, ``), "0 user messages"},
		{"a system message that comes last", change(`"twelve bytes"}`, `"twelve bytes"},{"role":"system","content":"x"}`), "role"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			f := New(r)
			f.ChatAlways(func(w *Stream, _ Request) { w.Done("stop") })
			status, _, err := post(t, f, "/api/chat", tt.body)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(r.end(), "\n")
			if tt.want == "" && (got != "" || status != 200) || !strings.Contains(got, tt.want) {
				t.Errorf("status %d, complaints %q, want %q", status, got, tt.want)
			}
		})
	}
}

func TestQueueIsStrict(t *testing.T) {
	tests := []struct {
		name string
		use  func(*testing.T, *Fake)
		want string
	}{
		{"a dry queue", func(t *testing.T, f *Fake) { post(t, f, "/api/chat", good) }, "no answer is queued"},
		{"an answer that was not asked for", func(t *testing.T, f *Fake) { f.Say("a") }, "1 queued answers were not asked for"},
		{"a script without an end", func(t *testing.T, f *Fake) {
			f.Chat(func(w *Stream, _ Request) { w.Token("a") })
			post(t, f, "/api/chat", good)
		}, "without ending its answer"},
		{"a script that ends after a hang-up is well", func(t *testing.T, f *Fake) {
			f.Chat(func(w *Stream, _ Request) { w.WaitGone() })
			hangUp(t, f)
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			tt.use(t, New(r))
			if got := strings.Join(r.end(), "\n"); tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// hangUp asks, and leaves as soon as the server has the request.
func hangUp(t *testing.T, f *Fake) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { f.Await("/api/chat", 1); cancel() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.URL+"/api/chat", strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestHangUpIsSeenAndTheEndOfAnAnswerIsNone(t *testing.T) {
	f := New(t)
	f.Chat(func(w *Stream, _ Request) {
		if w.Hold() {
			t.Error("Hold went on without a Release")
		}
	})
	hangUp(t, f)
	select {
	case <-f.Requests()[0].Cancelled:
	case <-time.After(10 * time.Second):
		t.Error("not seen")
	}

	f.Say("a")
	if _, _, err := post(t, f, "/api/chat", good); err != nil {
		t.Fatal(err)
	}
	post(t, f, "/api/show", `{"model":"tiny"}`)
	select {
	case <-f.Requests()[1].Cancelled:
		t.Error("the end of an answer was taken for a hang-up")
	default:
	}
}

func TestStreamHasTheRealShape(t *testing.T) {
	f := New(t)
	f.Chat(func(w *Stream, r Request) {
		if r.Chat.User() != "twelve bytes" || r.Chat.System() != "" || r.Chat.NumCtx() != 4096 || r.Chat.NumPredict() != 10 {
			t.Errorf("got %+v", r.Chat)
		}
		w.Think("hm")
		w.Token("a\"b")
		w.Tokens([]string{"c", "d"})
		w.Done("stop")
	})
	status, body, err := post(t, f, "/api/chat", good)
	if err != nil || status != 200 {
		t.Fatal(status, err)
	}
	var text, thinking string
	var last map[string]any
	for lines := bufio.NewScanner(strings.NewReader(body)); lines.Scan(); {
		var l struct {
			Model   string
			Message said
		}
		last = nil
		if err := errors.Join(json.Unmarshal(lines.Bytes(), &l), json.Unmarshal(lines.Bytes(), &last)); err != nil || l.Model != "tiny" {
			t.Errorf("%s: %v", lines.Bytes(), err)
		}
		text += l.Message.Content
		thinking += l.Message.Thinking
	}
	if text != `a"bcd` || thinking != "hm" {
		t.Errorf("got %q and %q", text, thinking)
	}
	if last["done"] != true || last["done_reason"] != "stop" || last["eval_count"] != 4.0 || last["prompt_eval_count"] != 3.0 {
		t.Errorf("last line %v", last)
	}
}

func TestStreamsCanEndBadly(t *testing.T) {
	tests := []struct {
		name   string
		end    func(*Stream)
		status int
		body   string
		err    error
	}{
		{"cut", func(w *Stream) { w.Line("a"); w.Cut() }, 200, "a\n", io.ErrUnexpectedEOF},
		{"cut before a byte", func(w *Stream) { w.Cut() }, 0, "", io.EOF},
		{"without a last line", func(w *Stream) { w.Line("a"); w.End() }, 200, "a\n", nil},
		{"with an error", func(w *Stream) { w.Error("oh") }, 200, "{\"error\":\"oh\"}\n", nil},
		{"with a status", func(w *Stream) { w.Status(503, `{"error":"busy"}`) }, 503, `{"error":"busy"}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := New(t)
			f.Chat(func(w *Stream, _ Request) { tt.end(w) })
			status, body, err := post(t, f, "/api/chat", good)
			if status != tt.status || body != tt.body || !errors.Is(err, tt.err) {
				t.Errorf("got %d %q %v", status, body, err)
			}
		})
	}
}

func TestChatsAreRefusedAsByARealServer(t *testing.T) {
	f := New(t) // no answers are queued: none is used
	if status, body, _ := post(t, f, "/api/chat", strings.Replace(good, "tiny", "nope", 1)); status != 404 || body != `{"error":"model 'nope' not found"}`+"\n" {
		t.Errorf("got %d %s", status, body)
	}
	f.Count = func(c Chat) int { return 4097 }
	if status, body, _ := post(t, f, "/api/chat", good); status != 400 || body != `{"error":"the input length exceeds the context length"}`+"\n" {
		t.Errorf("got %d %s", status, body)
	}
	f.Count = nil
	f.Models[0].Context = 2
	if status, _, _ := post(t, f, "/api/chat", good); status != 400 {
		t.Errorf("a prompt longer than the model's own window: %d", status)
	}
}

func TestOtherRoutes(t *testing.T) {
	f := New(t)
	get := func(path string) (int, map[string]any) {
		resp, err := http.Get(f.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var v map[string]any
		json.NewDecoder(resp.Body).Decode(&v)
		return resp.StatusCode, v
	}
	if status, v := get("/api/version"); status != 200 || v["version"] != "0.17.4" {
		t.Error(status, v)
	}
	if status, _ := get("/api/nothing"); status != 404 {
		t.Error(status)
	}
	for _, path := range []string{"/api/tags", "/api/ps"} {
		_, v := get(path)
		list, _ := v["models"].([]any)
		if len(list) != 1 || list[0].(map[string]any)["name"] != "tiny:latest" {
			t.Errorf("%s: %v", path, v)
		}
	}
	f.SetModels()
	if _, v := get("/api/tags"); !reflect.DeepEqual(v["models"], []any{}) {
		t.Errorf("no models: %v", v)
	}
	f.Handle("/api/version", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	if status, _ := get("/api/version"); status != 500 {
		t.Error(status)
	}
	if r := f.Await("/api/version", 2); r.At.IsZero() || r.Path != "/api/version" {
		t.Errorf("got %+v", r)
	}
}

func TestBusyModelAnswersAfterItWasUnloaded(t *testing.T) {
	f := New(t)
	f.SetBusy(true)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		post(t, f, "/api/generate", `{"model":"tiny","prompt":" "}`)
	}()
	f.Await("/api/generate", 1)
	select {
	case <-answered:
		t.Error("answered while busy")
	default:
	}
	if status, body, _ := post(t, f, "/api/generate", `{"model":"tiny","keep_alive":0}`); status != 200 || !strings.Contains(body, "unload") {
		t.Errorf("got %d %s", status, body)
	}
	<-answered
}
