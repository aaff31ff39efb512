package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"time"

	"career.nvim/llm/llmtest"
)

// The name under which the script answers, as the picture shows it.
const scriptModel = "script"

// How long the script pretends to read, and to write a word.
const (
	scriptReads  = 900 * time.Millisecond
	scriptWrites = 22 * time.Millisecond
)

// script is a server that answers with a text, word by word. close it.
type script struct {
	fake     *llmtest.Fake
	cleanups []func()
}

func serveScript(text string) *script {
	s := &script{}
	s.fake = llmtest.New(s)
	s.fake.SetModels(llmtest.Model{Name: scriptModel, Context: 32768, Capabilities: []string{"completion"},
		Loaded: 8192, Modified: time.Now()})
	words := regexp.MustCompile(`\s*\S+`).FindAllString(text, -1)
	s.fake.ChatAlways(func(w *llmtest.Stream, r llmtest.Request) {
		begun := time.Now()
		if wait(w, scriptReads); len(words) == 0 {
			w.Done("stop")
			return
		}
		written := time.Now()
		for _, word := range words {
			w.Token(word)
			wait(w, scriptWrites)
		}
		prompt := (len(r.Chat.System()) + len(r.Chat.User())) / 4
		end, err := json.Marshal(map[string]any{
			"model": scriptModel, "created_at": time.Now().UTC(), "message": map[string]any{"role": "assistant", "content": ""},
			"done": true, "done_reason": "stop", "total_duration": time.Since(begun), "load_duration": 0,
			"prompt_eval_count": prompt, "prompt_eval_duration": written.Sub(begun),
			"eval_count": len(words), "eval_duration": time.Since(written),
		})
		if err != nil {
			s.Errorf("%v", err)
		}
		w.Line(string(end))
		w.End()
	})
	return s
}

func wait(w *llmtest.Stream, d time.Duration) {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	w.Wait(over)
}

func (s *script) close() {
	for _, f := range s.cleanups {
		f()
	}
}

// Helper, Errorf and Cleanup make a script an llmtest.Reporter.

func (s *script) Helper() {}

func (s *script) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (s *script) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
