package real

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

type answer struct {
	Message         struct{ Content string }
	Done            bool
	DoneReason      string `json:"done_reason"`
	PromptEvalCount int    `json:"prompt_eval_count"`
	EvalCount       int    `json:"eval_count"`
	Error           string
}

func TestOllamaServesTheTestModels(t *testing.T) {
	server := Ollama(t)

	t.Run("it has the three", func(t *testing.T) {
		var tags struct{ Models []struct{ Name string } }
		ask(t, server.URL+"/api/tags", nil, &tags)
		var names []string
		for _, m := range tags.Models {
			names = append(names, m.Name)
		}
		slices.Sort(names)
		if want := []string{"endless:latest", "slow:latest", "tiny:latest"}; !slices.Equal(names, want) {
			t.Errorf("models %q, want %q", names, want)
		}
	})
	t.Run("they say what they can and their context", func(t *testing.T) {
		var info struct {
			Capabilities []string
			ModelInfo    map[string]any `json:"model_info"`
		}
		ask(t, server.URL+"/api/show", map[string]any{"model": "slow"}, &info)
		if !slices.Equal(info.Capabilities, []string{"completion"}) {
			t.Errorf("capabilities %q", info.Capabilities)
		}
		if n := info.ModelInfo["llama.context_length"]; n != 32768.0 {
			t.Errorf("context length %v", n)
		}
	})
	t.Run("tiny ends an answer, whatever the seed", func(t *testing.T) {
		for seed := range 20 {
			a := chat(t, server, "tiny", "What did I learn this year?", map[string]any{"seed": seed, "num_predict": 2000})
			if !a.Done || a.DoneReason != "stop" {
				t.Errorf("seed %d: done %v, %q", seed, a.Done, a.DoneReason)
			}
			if !strings.HasPrefix(a.Message.Content, "- ") || strings.Contains(a.Message.Content, "<|") {
				t.Errorf("seed %d: %q", seed, a.Message.Content)
			}
		}
	})
	t.Run("tiny ends one at temperature 0", func(t *testing.T) {
		a := chat(t, server, "tiny", "Sum it up.", map[string]any{"temperature": 0, "num_predict": 2000})
		if a.DoneReason != "stop" {
			t.Errorf("%q after %d tokens", a.DoneReason, a.EvalCount)
		}
	})
	t.Run("endless goes on to num_predict", func(t *testing.T) {
		a := chat(t, server, "endless", "Go on.", map[string]any{"num_predict": 50})
		if a.DoneReason != "length" || a.EvalCount != 50 {
			t.Errorf("%q after %d tokens", a.DoneReason, a.EvalCount)
		}
	})
	t.Run("any bytes are read", func(t *testing.T) {
		a := chat(t, server, "tiny", "\x00\x01 日本語 🙂 \u202e é \v \ufffd", nil)
		if a.DoneReason != "stop" || a.PromptEvalCount < 20 {
			t.Errorf("%q, %d tokens read", a.DoneReason, a.PromptEvalCount)
		}
	})
	t.Run("tiny keeps to a JSON schema", func(t *testing.T) {
		a := answer{}
		ask(t, server.URL+"/api/chat", map[string]any{
			"model": "tiny", "stream": false, "options": map[string]any{"seed": 1, "num_predict": 2000},
			"messages": []map[string]string{{"role": "user", "content": "What is wrong?"}},
			"format": map[string]any{
				"type": "object", "required": []string{"line", "text"},
				"properties": map[string]any{"line": map[string]any{"type": "integer"}, "text": map[string]any{"type": "string"}},
			},
		}, &a)
		var got struct {
			Line *int
			Text *string
		}
		if err := json.Unmarshal([]byte(a.Message.Content), &got); err != nil || got.Line == nil || got.Text == nil {
			t.Errorf("%q: %v", a.Message.Content, err)
		}
	})
}

func TestOllamaTakesSettingsAndTellsNobodyElse(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	server := Ollama(t, Env("OLLAMA_NUM_PARALLEL=3"))
	config := tail(server.Log, 1000)
	if !strings.Contains(config, "OLLAMA_NUM_PARALLEL:3") {
		t.Errorf("the log does not name the setting:\n%s", config)
	}
	if strings.Contains(config, "HTTP_PROXY:http") {
		t.Error("a proxy reached the server")
	}
}

func TestStopEndsTheServerAndItsRunner(t *testing.T) {
	server, err := StartOllama()
	if err != nil {
		t.Fatal(err)
	}
	chat(t, server, "tiny", "Start a runner.", nil)
	server.Stop()
	server.Stop()
	if err := syscall.Kill(-server.Pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("its process group is still there: %v", err)
	}
	if _, err := os.Stat(server.Log); err == nil {
		t.Errorf("%s is still there", server.Log)
	}
}

// What one server writes must not reach the models that others are copied from.
func TestServersDoNotShareWhatTheyWrite(t *testing.T) {
	models, err := setup("models")
	if err != nil {
		t.Fatal(err)
	}
	before := contents(t, models)
	server := Ollama(t)
	ask(t, server.URL+"/api/create", map[string]any{"model": "tiny", "from": "endless", "stream": false}, nil)
	ask(t, server.URL+"/api/copy", map[string]any{"source": "slow", "destination": "other"}, nil)
	if after := contents(t, models); after != before {
		t.Errorf("%s has changed from\n%s\nto\n%s", models, before, after)
	}
}

func contents(t *testing.T, dir string) string {
	t.Helper()
	var sb strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if len(text) > 2000 {
			text = nil
		}
		fmt.Fprintf(&sb, "%s %d %s\n", strings.TrimPrefix(path, dir), info.Size(), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sb.String()
}

func TestNvimIsTheVersionThatWasAskedFor(t *testing.T) {
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	for _, version := range Versions {
		t.Run(version, func(t *testing.T) {
			e := Nvim(t, version, Env("CAREER_TEST=yes"))
			var got struct {
				Version, Home, Proxy, Setting, Host string
				Screen                              []int
				Markdown                            bool
			}
			e.Lua(`
				local v = vim.version()
				vim.bo.filetype = 'markdown'
				return {
					Version = ('nvim-%d.%d'):format(v.major, v.minor),
					Home = vim.env.HOME, Proxy = vim.env.http_proxy or '', Setting = vim.env.CAREER_TEST,
					Host = vim.env.OLLAMA_HOST,
					Screen = { vim.o.columns, vim.o.lines },
					Markdown = pcall(vim.treesitter.start, 0, 'markdown'),
				}`, &got)
			if got.Version != version {
				t.Errorf("version %s, want %s", got.Version, version)
			}
			if got.Home != e.Home || got.Proxy != "" || got.Setting != "yes" || got.Host != "http://127.0.0.1:1" {
				t.Errorf("environment %+v", got)
			}
			if !slices.Equal(got.Screen, []int{Columns, Rows}) {
				t.Errorf("screen %v", got.Screen)
			}
			if !got.Markdown {
				t.Error("it has no parser for Markdown")
			}
		})
	}
}

func TestNvimHasThePluginAsAUserWould(t *testing.T) {
	for _, version := range Versions {
		t.Run(version, func(t *testing.T) {
			e := Nvim(t, version, NoUI())
			var first string
			e.Lua(`return vim.opt.runtimepath:get()[1]`, &first)
			if first != Root(t) {
				t.Errorf("the first folder of 'runtimepath' is %s", first)
			}
			e.Ex("edit note.md | call setline(1, ['a', 'b'])")
			if got := e.Text(0); got != "a\nb" {
				t.Errorf("text %q", got)
			}
			e.Ex("echomsg 'hello'")
			if got := e.Messages(); !strings.Contains(got, "hello") {
				t.Errorf("messages %q", got)
			}
			var loaded bool
			e.Lua(`return vim.fn.exists(':CareerSummarize') == 2`, &loaded)
			if !loaded {
				t.Error("plugin/career.lua was not sourced")
			}
		})
	}
}

func TestBuildMakesTheProgram(t *testing.T) {
	bin := Build(t)
	info, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&0o111 == 0 || bin != filepath.Join(Root(t), "bin", "career") {
		t.Errorf("%s has mode %v", bin, info.Mode())
	}
}

func TestEventuallyAsksUntilItIsTrue(t *testing.T) {
	n := 0
	Eventually(t, time.Minute, "the third time", func() bool { n++; return n == 3 })
	if n != 3 {
		t.Errorf("asked %d times", n)
	}
	if poll(time.Millisecond, func() bool { return false }) {
		t.Error("what never holds is said to hold")
	}
}

func chat(t *testing.T, s *Server, model, prompt string, options map[string]any) (a answer) {
	t.Helper()
	ask(t, s.URL+"/api/chat", map[string]any{
		"model": model, "stream": false, "options": options,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
	}, &a)
	return a
}

// ask posts a body as JSON, or gets when there is none, past any proxy.
func ask(t *testing.T, url string, body, result any) {
	t.Helper()
	method, text := http.MethodGet, []byte(nil)
	if body != nil {
		method = http.MethodPost
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	got, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, got.Status)
	}
	if result == nil {
		return
	}
	if err := json.NewDecoder(got.Body).Decode(result); err != nil {
		t.Fatalf("%s: %v", url, err)
	}
}
