package llm

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"career.nvim/llm/llmtest"
	"career.nvim/llm/ollama"
)

// What only Go programmers know, or wants to be in the log.
var goWords = regexp.MustCompile(`(?i)goroutine|panic|nil\b|%!|EOF|dial tcp|context (canceled|deadline)|json:|yaml:|template:|\*\w+\.|0x[0-9a-f]+|failed to`)

func TestEveryErrorIsOneSentenceAndOneThingToTry(t *testing.T) {
	server := func(kind ollama.Kind) error {
		return fmt.Errorf("summarize: %w", &ollama.Error{Kind: kind, Op: "chat", Host: "127.0.0.1:11434", Model: "qwen3:4b",
			Status: 200, Detail: "the server's words", Err: errors.New("read tcp: unexpected EOF")})
	}
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"nobody answers", server(ollama.NotRunning), "ollama serve"},
		{"somebody else answers", server(ollama.NotOllama), "127.0.0.1:11434 is not Ollama"},
		{"no such model", server(ollama.NotFound), "ollama pull qwen3:4b"},
		{"too long for a bare request", server(ollama.TooLong), "the server's words"},
		{"busy", server(ollama.Busy), "Try again"},
		{"the server failed", server(ollama.Server), "the server's words"},
		{"it lets nobody in", server(ollama.Refused), "OLLAMA_ORIGINS"},
		{"the connection broke", server(ollama.Cut), "text so far is kept"},
		{"an answer without an end", server(ollama.Incomplete), "text so far is kept"},
		{"rubbish", server(ollama.Garbage), "text so far is kept"},
		{"a model elsewhere", server(ollama.Remote), "The model qwen3:4b is not on this machine"},
		{"a server elsewhere", &ollama.Error{Kind: ollama.Remote, Host: "box:11434"}, "The server box:11434 is not on this machine"},
		{"a wrong request", server(ollama.BadRequest), "options"},
		{"no model", errNoModel, "ollama pull"},
		{"no text", errEmpty, "Write something"},
		{"binary", errBinary, "binary"},
		{"answers that can't be joined", errCannotJoin, "larger context"},
		{"an old server", &tooOldError{"0.5.1"}, "0.6.4 or newer"},
		{"a model that only embeds", &cannotCompleteError{"bert"}, ":CareerModel"},
		{"an unknown style", &unknownStyleError{"loud", []string{"brief", "lessons", "outline", "timeline"}}, "brief, lessons"},
		{"another encoding", &encodingError{12}, "Line 12"},
		{"a small window", &smallWindowError{256, "tiny"}, "larger context"},
		{"not read whole", &notWholeError{Window: 8192}, "8,192"},
		{"a broken prompt", &PromptError{"~/prompts/summarize/mine.md", 4, errors.New(`no entry for key "nothing"`)}, "mine.md:4"},
		{"a broken prompt of no known line", &PromptError{"mine.md", 0, errors.New("bad")}, "mine.md is broken"},
		{"a part", &partError{120, 240, server(ollama.Incomplete)}, "Lines 120 to 240"},
		{"a setting", &settingError{errors.New(`ollama host "ftp://x": the scheme must be http or https`)}, "the scheme must be http"},
		{"stopped", fmt.Errorf("chat at 127.0.0.1:1: %w", context.Canceled), "Stopped"},
		{"what nobody thought of", errors.New("runtime error: index out of range [5]\ngoroutine 7"), "Look at the log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Say(tt.err)
			if !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
			if found := goWords.FindString(got); found != "" {
				t.Errorf("%q is not for users: %q", got, found)
			}
			most := 160
			if errors.As(tt.err, new(*partError)) {
				most = 200 // says where on top of what
			}
			if len(got) > most || strings.Contains(got, "\n") {
				t.Errorf("%d bytes are too long: %q", len(got), got)
			}
			// Two sentences, but for a plain stop.
			if n := len(regexp.MustCompile(`[.:] [A-Zo]`).FindAllString(got, -1)); n == 0 && got != "Stopped." {
				t.Errorf("nothing to try: %q", got)
			}
		})
	}
	if got := Say(nil); got != "" {
		t.Errorf("no error is told as %q", got)
	}
}

func TestServersWordsDoNotFloodTheScreen(t *testing.T) {
	for _, kind := range []ollama.Kind{ollama.Server, ollama.Refused, ollama.BadRequest} {
		got := Say(&ollama.Error{Kind: kind, Host: "127.0.0.1:11434", Detail: strings.Repeat("long words ", 27)})
		if len(got) > 210 {
			t.Errorf("%s: %d bytes: %q", kind, len(got), got)
		}
	}
}

func TestWrongSettingsAreToldAsSuch(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(*Settings)
		want string
	}{
		{"the host", func(s *Settings) { s.Host = "ftp://x" }, "the scheme must be http or https"},
		{"the host's port", func(s *Settings) { s.Host = "localhost:x" }, "the port must be a number"},
		{"keep_alive", func(s *Settings) { s.KeepAlive = "ten minutes" }, `keep_alive "ten minutes"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			r := request(f, "We shipped it.")
			tt.set(&r.Settings)
			_, err := newService(t).Summarize(t.Context(), r, &sheet{})
			if got := Say(err); !strings.HasPrefix(got, "A setting can't be used: ") || !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestThousands(t *testing.T) {
	for in, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 3412: "3,412", 1234567: "1,234,567"} {
		if got := thousands(in); got != want {
			t.Errorf("%d is %s, want %s", in, got, want)
		}
	}
}
