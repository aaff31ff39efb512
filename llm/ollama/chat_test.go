package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"career.nvim/llm/llmtest"
)

func TestChatSendsWhatItMust(t *testing.T) {
	f := llmtest.New(t)
	f.Say("ok")
	f.Say("ok")
	c := newClient(t, f.URL)
	options := map[string]any{"temperature": 0.5, "num_ctx": 1, "num_predict": -1}
	req := ChatRequest{
		Model: "tiny", System: "Be brief.", User: "How was it?", Context: 8192, Predict: 300,
		KeepAlive: "10m", Think: false, Format: json.RawMessage(`{"type":"object"}`), Options: options,
	}
	if _, err := c.Chat(t.Context(), req, ignore); err != nil {
		t.Fatal(err)
	}
	got := f.Requests()[0].Chat
	want := llmtest.Chat{
		Model:    "tiny",
		Messages: []llmtest.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "How was it?"}},
		Stream:   got.Stream, Truncate: got.Truncate, // the fake has checked them
		Format: json.RawMessage(`{"type":"object"}`), KeepAlive: "10m0s", Think: false,
		Options: map[string]any{"temperature": 0.5, "num_ctx": 8192.0, "num_predict": 300.0},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if options["num_ctx"] != 1 {
		t.Error("the caller's options were changed")
	}

	if _, err := c.Chat(t.Context(), ChatRequest{Model: "tiny", User: "?", Context: 2048, Predict: 1}, ignore); err != nil {
		t.Fatal(err)
	}
	want = llmtest.Chat{Model: "tiny", Messages: []llmtest.Message{{Role: "user", Content: "?"}},
		Stream: got.Stream, Truncate: got.Truncate, Options: map[string]any{"num_ctx": 2048.0, "num_predict": 1.0}}
	if got := f.Requests()[1].Chat; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestWrongRequestIsNotSent(t *testing.T) {
	f := llmtest.New(t)
	c := newClient(t, f.URL)
	tests := map[string]func(*ChatRequest){
		"no window":            func(r *ChatRequest) { r.Context = 0 },
		"no end":               func(r *ChatRequest) { r.Predict = -1 },
		"a wrong keep_alive":   func(r *ChatRequest) { r.KeepAlive = "ten minutes" },
		"a wrong think":        func(r *ChatRequest) { r.Think = 3 },
		"an option of no kind": func(r *ChatRequest) { r.Options = map[string]any{"seed": make(chan int)} },
		"a format of no kind":  func(r *ChatRequest) { r.Format = json.RawMessage("{") },
	}
	for name, change := range tests {
		r := ask("tiny")
		change(&r)
		_, err := c.Chat(t.Context(), r, ignore)
		var e *Error
		if err == nil || errors.As(err, &e) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestKeepAliveIsReadAsOllamaReadsIt(t *testing.T) {
	for in, want := range map[string]string{
		"": "null", "10m": `"10m0s"`, "1h30m": `"1h30m0s"`, "0": `"0s"`, "300": `"5m0s"`,
		"-1": "-1", "-1m": "-1", "-99999999999": "-1",
	} {
		d, err := parseKeepAlive(in)
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got, _ := json.Marshal(d); string(got) != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
	for _, in := range []string{"ten", "10 m", "1e3", "99999999999", "--1"} {
		if _, err := parseKeepAlive(in); err == nil {
			t.Errorf("%q was taken", in)
		}
	}
}

func TestEachTokenComesAtOnceAndInOrder(t *testing.T) {
	f := llmtest.New(t)
	f.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
		for _, s := range []string{"Grüße", ", ", "世界", " 👋"} {
			w.Token(s)
			w.Hold() // goes on when this one has arrived
		}
		w.Done("length")
	})
	var got []string
	res, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), func(s string) {
		got = append(got, s)
		f.Release()
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Grüße", ", ", "世界", " 👋"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
	if res.DoneReason != "length" || res.OutputTokens != 4 || res.PromptTokens != len("Be brief.How was it?")/4 ||
		res.Load <= 0 || res.PromptEval <= 0 || res.Eval <= 0 || res.FirstToken <= 0 {
		t.Errorf("got %+v", res)
	}
}

func TestReasoningIsCountedAndNotShown(t *testing.T) {
	f := llmtest.New(t)
	f.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
		w.Think("Let me ")
		w.Think("see.")
		w.Token("42")
		w.Done("stop")
	})
	var got string
	res, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), func(s string) { got += s })
	if err != nil || got != "42" || res.ThinkingTokens != 2 {
		t.Errorf("got %q, %+v, %v", got, res, err)
	}
}

func TestChatFaultsAreToldApart(t *testing.T) {
	const half = "half an "
	long := strings.Repeat("long words ", 100)
	type W = *llmtest.Stream
	status := func(code int, body string) func(W) { return func(w W) { w.Status(code, body) } }
	tests := []struct {
		name   string
		answer func(W)
		kind   Kind
		status int
		detail string
		text   string
	}{
		{"the connection is cut before the first token", func(w W) { w.Cut() }, Cut, 0, "", ""},
		{"the connection is cut in the middle", func(w W) { w.Token(half); w.Cut() }, Cut, 200, "", half},
		{"the stream ends without its last line", func(w W) { w.Token(half); w.End() }, Incomplete, 200, "", half},
		{"the stream is empty", func(w W) { w.End() }, Incomplete, 200, "", ""},
		{"an error line in the stream", func(w W) { w.Token(half); w.Error("llama runner process has terminated") },
			Server, 200, "llama runner process has terminated", half},
		{"an error line of another shape", func(w W) { w.Line(`{"error":{"message":"out of memory"}}`); w.End() },
			Server, 200, "out of memory", ""},
		{"the prompt does not fit, told in the stream", func(w W) { w.Error("the input length exceeds the context length") },
			TooLong, 200, "the input length exceeds the context length", ""},
		{"a line of rubbish", func(w W) { w.Token(half); w.Line("rubbish"); w.Done("stop") },
			Garbage, 200, "a line that is not one of Ollama's", half},
		{"rubbish without an end", func(w W) { w.Token(half); w.Line("rubbish"); w.Hold() },
			Garbage, 200, "a line that is not one of Ollama's", half},
		{"JSON of the wrong kind", func(w W) { w.Line(`{"message":"hello"}`); w.Done("stop") },
			Garbage, 200, "a line that is not one of Ollama's", ""},
		{"a list", func(w W) { w.Line(`[1]`); w.Done("stop") }, Garbage, 200, "a line that is not one of Ollama's", ""},
		{"1 MB of rubbish", func(w W) { w.Line(strings.Repeat("x", 1<<20)); w.Done("stop") },
			Garbage, 200, "a line that is not one of Ollama's", ""},
		{"a line longer than can be read", func(w W) { w.Token(half); w.Token(strings.Repeat("x", 9<<20)); w.Done("stop") },
			Garbage, 200, "a line longer than can be read", half},
		{"the prompt does not fit", status(400, `{"error":"the input length exceeds the context length"}`),
			TooLong, 400, "the input length exceeds the context length", ""},
		{"the prompt does not fit, said by a hosted model", status(400, `{"error":"prompt too long; exceeded max context length by 12 tokens"}`),
			TooLong, 400, "prompt too long; exceeded max context length by 12 tokens", ""},
		{"the prompt does not fit, since 0.32",
			status(400, `{"error":"{\"error\":{\"code\":400,\"message\":\"request (42 tokens) exceeds the available context size (8 tokens), try increasing it\",\"type\":\"exceed_context_size_error\",\"n_ctx\":8}}"}`),
			TooLong, 400, "request (42 tokens) exceeds the available context size (8 tokens), try increasing it", ""},
		{"another bad request", status(400, `{"error":"\"tiny\" does not support thinking"}`),
			BadRequest, 400, `"tiny" does not support thinking`, ""},
		{"a bad request over many lines", status(400, "{\n  \"error\": \"invalid\\n\\tmodel \\u0007name\"\n}"),
			BadRequest, 400, "invalid model name", ""},
		{"the model is missing", status(404, `{"error":"model 'tiny' not found"}`), NotFound, 404, "model 'tiny' not found", ""},
		{"the route is missing", status(404, "404 page not found"), NotOllama, 404, "", ""},
		{"forbidden without a word", status(403, ""), Refused, 403, "", ""},
		{"not authorized", status(401, `{"error":"unauthorized"}`), Refused, 401, "unauthorized", ""},
		{"the queue is full", status(503, `{"error":"server busy, please try again.  maximum pending requests exceeded"}`),
			Busy, 503, "server busy, please try again. maximum pending requests exceeded", ""},
		{"the server failed", status(500, `{"error":"`+long+`"}`), Server, 500, oneLine(long), ""},
		{"the server failed without JSON", status(500, "oops"), Server, 500, "", ""},
		{"a bad gateway", status(502, "<html>bad gateway</html>"), Server, 502, "", ""},
		{"a status from nowhere", status(418, "teapot"), Server, 418, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			f.Chat(func(w W, _ llmtest.Request) { tt.answer(w) })
			var log strings.Builder
			c, err := New(Config{Host: f.URL, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var text string
			res, err := c.Chat(t.Context(), ask("tiny"), func(s string) { text += s })
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Kind != tt.kind || e.Status != tt.status || e.Detail != tt.detail || e.Op != "chat" || e.Model != "tiny" {
				t.Errorf("got %+v", e)
			}
			if text != tt.text || (res.FirstToken > 0) != (tt.text != "") {
				t.Errorf("got %q, %+v", text, res)
			}
			for _, private := range []string{"rubbish", "half", "xxxx", "How was it"} {
				if strings.Contains(log.String()+err.Error(), private) {
					t.Errorf("text in the log or the error: %s %v", &log, err)
				}
			}
		})
	}
}

func TestWebPageInsteadOfAChatIsNotOllama(t *testing.T) {
	f := llmtest.New(t)
	f.Handle("/api/chat", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<html>\n<body>Welcome!</body>\n</html>"))
	})
	_, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), ignore)
	var e *Error
	if !errors.As(err, &e) || e.Kind != NotOllama {
		t.Errorf("got %v", err)
	}
}

func TestLineOfAMegabyteIsRead(t *testing.T) {
	f := llmtest.New(t)
	want := strings.Repeat("ä", 1<<19)
	f.Say("a", want, "b")
	var got strings.Builder
	if _, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), func(s string) { got.WriteString(s) }); err != nil {
		t.Fatal(err)
	}
	if got.String() != "a"+want+"b" {
		t.Errorf("got %d bytes", got.Len())
	}
}

func TestCutAfterTheLastLineIsNoFault(t *testing.T) {
	f := llmtest.New(t)
	f.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
		w.Token("all")
		w.Done("stop")
		w.Cut()
	})
	if res, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), ignore); err != nil || res.DoneReason != "stop" {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestCancelledChatHangsUpAndSaysNoMore(t *testing.T) {
	tokens := []string{"one", "two", "three", "four"}
	tests := []struct {
		name   string
		script llmtest.Script
		cancel func(text string, cancel func(error))
		want   string
	}{
		{"before the first token", func(w *llmtest.Stream, _ llmtest.Request) { w.WaitGone() }, nil, ""},
		{"in the middle", func(w *llmtest.Stream, _ llmtest.Request) { w.Token("one"); w.WaitGone() },
			func(text string, cancel func(error)) { cancel(errors.New("the user has stopped it")) }, "one"},
		{"with more tokens received already", func(w *llmtest.Stream, _ llmtest.Request) { w.Tokens(tokens); w.WaitGone() },
			func(text string, cancel func(error)) {
				if text == "two" {
					cancel(nil)
				}
			}, "onetwo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			f.Chat(tt.script)
			c := newClient(t, f.URL)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if tt.cancel == nil {
				go func() { f.Await("/api/chat", 1); cancel(nil) }()
			}
			var got string
			_, err := c.Chat(ctx, ask("tiny"), func(s string) {
				got += s
				if tt.cancel != nil {
					tt.cancel(s, cancel)
				}
			})
			var e *Error
			if !errors.Is(err, context.Canceled) || errors.As(err, &e) {
				t.Errorf("got %v", err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			select {
			case <-f.Requests()[0].Cancelled:
			case <-time.After(10 * time.Second):
				t.Error("the server was not hung up on")
			}
		})
	}
}

func TestDeadlineIsNotACut(t *testing.T) {
	f := llmtest.New(t)
	f.Chat(func(w *llmtest.Stream, _ llmtest.Request) { w.Token("a"); w.WaitGone() })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := newClient(t, f.URL).Chat(ctx, ask("tiny"), ignore)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestDetailIsShortAndPlain(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		" a\r\nb\tc\x1b[31m\x00 ": "a b c [31m",
		"bad\xffbyte":             "badbyte",
		strings.Repeat("ä", 200):  strings.Repeat("ä", 148) + "…",
		strings.Repeat("x", 300):  strings.Repeat("x", 300),
		strings.Repeat("x", 301):  strings.Repeat("x", 297) + "…",
	} {
		if got := oneLine(in); got != want || len(got) > 300 {
			t.Errorf("%q: got %q", in, got)
		}
	}
}
