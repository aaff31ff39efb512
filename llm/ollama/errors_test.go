package ollama

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"career.nvim/llm/llmtest"
)

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
