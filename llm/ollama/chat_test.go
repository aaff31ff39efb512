package ollama

import (
	"context"
	"encoding/json"
	"errors"
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

func TestWhatComesAfterTheLastLineIsNoMatter(t *testing.T) {
	for name, after := range map[string]func(*llmtest.Stream){
		"a cut":   func(w *llmtest.Stream) { w.Cut() },
		"rubbish": func(w *llmtest.Stream) { w.Line("rubbish") },
	} {
		f := llmtest.New(t)
		f.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
			w.Token("all")
			w.Done("stop")
			after(w)
		})
		if res, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), ignore); err != nil || res.DoneReason != "stop" {
			t.Errorf("%s: got %+v, %v", name, res, err)
		}
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
