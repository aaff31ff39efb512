package llm

import (
	"strings"
	"testing"
	"time"

	"career.nvim/llm/llmtest"
	"career.nvim/llm/ollama"
)

func TestWindowIsSettledOnce(t *testing.T) {
	for _, tt := range []struct {
		name            string
		context         int
		options         map[string]any
		own             int // the model's
		loaded          int
		window, predict int
	}{
		{"nothing is said", 0, nil, 0, 0, 8192, 1024},
		{"the configuration's", 4096, nil, 0, 0, 4096, 1024},
		{"a small one leaves most to the prompt", 1000, nil, 0, 0, 1000, 250},
		{"never above the model's own", 8192, nil, 2048, 0, 2048, 512},
		{"Ollama's own option goes before", 4096, map[string]any{"num_ctx": int64(6000)}, 32768, 0, 6000, 1024},
		{"a number as JSON has it", 4096, map[string]any{"num_ctx": 6000.0}, 32768, 0, 6000, 1024},
		{"an option that is no number is none", 4096, map[string]any{"num_ctx": "6000"}, 32768, 0, 4096, 1024},
		{"a larger one that is loaded is kept", 4096, nil, 32768, 16384, 16384, 1024},
		{"a smaller one is not", 8192, nil, 32768, 4096, 8192, 1024},
		{"the length of the answer is an option, too", 8192, map[string]any{"num_predict": int64(3000)}, 0, 0, 8192, 3000},
		{"which leaves room for the prompt", 4000, map[string]any{"num_predict": int64(9000)}, 0, 0, 4000, 3000},
		{"an endless answer is none of it", 8192, map[string]any{"num_predict": int64(-1)}, 0, 0, 8192, 1024},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := &engine{model: "tiny", set: Settings{Context: tt.context, Options: tt.options}, info: ollama.Info{Context: tt.own}}
			e.settleWindow([]ollama.Loaded{{Name: "other:latest", Context: 99999}, {Name: "tiny:latest", Context: tt.loaded}})
			if e.window != tt.window || e.predict != tt.predict || e.stats.Context != tt.window {
				t.Errorf("got a window of %d and %d to write, want %d and %d", e.window, e.predict, tt.window, tt.predict)
			}
			if e.loaded != (tt.loaded >= tt.window) {
				t.Errorf("loaded is %v", e.loaded)
			}
		})
	}
}

func TestModelIsChosen(t *testing.T) {
	model := func(name string, age int, capabilities ...string) llmtest.Model {
		m := llmtest.Tiny()
		m.Name, m.Capabilities = name, capabilities
		m.Modified = m.Modified.Add(-time.Duration(age) * time.Hour)
		return m
	}
	cloud := model("gpt:120b", 0, "completion")
	cloud.RemoteHost = "ollama.com:443"
	all := []llmtest.Model{model("old", 3, "completion"), model("new", 2, "completion", "tools"), model("embed", 1, "embedding"), cloud}
	for _, tt := range []struct {
		name, set, chosen string
		models            []llmtest.Model
		want, err         string
	}{
		{"the configuration's", "old", "new", all, "old", ""},
		{"else the chosen one", "", "old", all, "old", ""},
		{"else the newest local one that can write", "", "", all, "new:latest", ""},
		{"one that is not there is told", "gone", "", all, "", "The model gone is not installed. Get it with: ollama pull gone"},
		{"one that can't write is told", "embed", "", all, "", "The model embed can't write text"},
		{"one in the cloud is refused", "gpt:120b", "", all, "", "not on this machine"},
		{"by its name alone, too", "new:cloud", "", all, "", "new:cloud"},
		{"none at all is told", "", "", []llmtest.Model{}, "", "no local model"},
		{"none that can write is told", "", "", []llmtest.Model{all[2], cloud}, "", "no local model"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			f.Models = tt.models
			if tt.want != "" {
				f.Say("ok")
			}
			s := newService(t)
			if tt.chosen != "" {
				if _, err := s.Choose(t.Context(), Settings{Host: f.URL}, tt.chosen); err != nil {
					t.Fatal(err)
				}
			}
			r := request(f, "We shipped it.")
			r.Model = tt.set
			st, err := s.Summarize(t.Context(), r, &sheet{})
			if st.Model != tt.want && tt.want != "" || !strings.Contains(Say(err), tt.err) || tt.err == "" && err != nil {
				t.Errorf("got %q, %v", st.Model, err)
			}
			if tt.err != "" && len(chats(f)) != 0 {
				t.Error("a chat was sent")
			}
		})
	}
}

func TestPromptFileMayNameTheModel(t *testing.T) {
	f := llmtest.New(t)
	f.Say("ok")
	other := llmtest.Tiny()
	other.Name, other.Capabilities = "other", nil
	f.Models = append(f.Models, other)
	r := request(f, "We shipped it.")
	r.Style, r.Prompts = "mine", []string{folder(t, "summarize/mine.md", "---\nname: mine\nmodel: other\noptions:\n  temperature: 0.1\n  top_k: 5\n---\n{{ .note }}\nSum up {{ .title }}, {{ .filetype }}.\n")}
	r.Options = map[string]any{"temperature": 0.9}
	if _, err := newService(t).Summarize(t.Context(), r, &sheet{}); err != nil {
		t.Fatal(err)
	}
	c := chats(f)[0]
	if c.Model != "other" || c.Options["temperature"] != 0.9 || c.Options["top_k"] != 5.0 || c.Think != nil ||
		!strings.HasSuffix(c.User(), "Sum up note.md, markdown.") {
		t.Errorf("sent %+v", c)
	}
}

func TestModelIsListedOnlyIfACommandMayUseIt(t *testing.T) {
	f := llmtest.New(t)
	old := llmtest.Tiny()
	old.Name, old.Loaded, old.Modified = "old", 0, old.Modified.Add(-time.Hour)
	embed, cloud := old, old
	embed.Name, embed.Capabilities = "embed", []string{"embedding"}
	cloud.Name, cloud.RemoteHost = "gpt:120b", "ollama.com:443"
	f.Models = append(f.Models, old, embed, cloud)
	s := newService(t)
	if name, err := s.Choose(t.Context(), Settings{Host: f.URL}, "old"); name != "old" || err != nil {
		t.Fatal(name, err)
	}
	got, err := s.Models(t.Context(), Settings{Host: f.URL})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got[0].Name != "tiny:latest" || !got[0].Loaded || got[0].Chosen || got[1].Name != "old:latest" || got[1].Loaded || !got[1].Chosen {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"embed", "gpt:120b", "none"} {
		if _, err := s.Choose(t.Context(), Settings{Host: f.URL}, name); err == nil {
			t.Errorf("%s was chosen", name)
		}
	}
}

func TestVersionsDecide(t *testing.T) {
	for _, tt := range []struct {
		version string
		refuses bool
		err     string
	}{
		{"0.6.3", false, "0.6.3, which is too old"},
		{"0.6.4", false, ""},
		{"0.12.11", false, ""},
		{"0.13.0", true, ""},
		{"0.18.0-rc1", true, ""},
		{"1.0", true, ""},
		{"0.0.0", false, ""},
		{"main", false, ""},
	} {
		t.Run(tt.version, func(t *testing.T) {
			f := llmtest.New(t)
			f.Version = tt.version
			e, err := newService(t).open(t.Context(), Settings{Host: f.URL}, &sheet{})
			if !strings.Contains(Say(err), tt.err) || tt.err == "" && err != nil {
				t.Fatalf("got %v", err)
			}
			if err == nil && e.refuses != tt.refuses {
				t.Errorf("refuses is %v", e.refuses)
			}
		})
	}
}

func TestThinkIsSentToModelsThatCan(t *testing.T) {
	for _, tt := range []struct {
		name   string
		thinks bool
		set    any
		want   any
	}{
		{"not to one that can't", false, true, nil},
		{"off is said, as it would think otherwise", true, nil, false},
		{"on", true, true, true},
		{"a word", true, "low", "low"},
	} {
		e := &engine{info: ollama.Info{Thinks: tt.thinks}, set: Settings{Think: tt.set}}
		if got := e.think(); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestHealthLinesEachSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		set   func(*llmtest.Fake, *Settings)
		level string
		want  string
	}{
		{"all is well", func(*llmtest.Fake, *Settings) {}, "ok", "8,192 tokens will be used"},
		{"an old server", func(f *llmtest.Fake, _ *Settings) { f.Version = "0.12.0" }, "warn", "0.12.0"},
		{"too old a server", func(f *llmtest.Fake, _ *Settings) { f.Version = "0.5.0" }, "error", "0.5.0"},
		{"no server", func(_ *llmtest.Fake, s *Settings) { s.Host = "127.0.0.1:1" }, "error", "does not answer"},
		{"no model", func(f *llmtest.Fake, _ *Settings) { f.Models = nil }, "error", "no local model"},
		{"no guard", func(_ *llmtest.Fake, s *Settings) { s.AllowRemote = true }, "warn", "allow_remote"},
		{"more window than the model has", func(f *llmtest.Fake, s *Settings) { f.Models[0].Loaded = 0; s.Context = 99999 }, "info", "32,768"},
		{"a broken prompt", func(_ *llmtest.Fake, s *Settings) {
			s.Prompts = []string{folder(t, "summarize/mine.md", "no front matter")}
		}, "error", "mine.md:1 is broken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			set := Settings{Host: f.URL, Context: 8192}
			tt.set(f, &set)
			found := false
			for _, line := range newService(t).Check(t.Context(), set) {
				found = found || line.Level == tt.level && strings.Contains(line.Text, tt.want)
				if (line.Level == "error" || line.Level == "warn") && line.Advice == "" {
					t.Errorf("%+v says nothing of what to do", line)
				}
				if line.Level == "error" && tt.level != "error" {
					t.Errorf("got %+v", line)
				}
			}
			if !found {
				t.Errorf("no line of level %s says %q", tt.level, tt.want)
			}
		})
	}
}
