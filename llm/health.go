package llm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"career.nvim/llm/ollama"
)

// Finding is one line of a health report.
type Finding struct {
	Level  string // "ok", "info", "warn" or "error"
	Text   string
	Advice string // what to do, or ""
}

// Check looks at everything that a command relies on, from the server to the
// model's window.
func (s *Service) Check(ctx context.Context, set Settings) []Finding {
	var all []Finding
	add := func(level, text, advice string) { all = append(all, Finding{level, text, advice}) }
	fail := func(err error) []Finding {
		text, advice, _ := strings.Cut(Say(err), ". ")
		add("error", text, advice)
		return all
	}
	c, err := s.client(set)
	if err != nil {
		return fail(err)
	}
	version, err := c.Version(ctx)
	if err != nil {
		return fail(err)
	}
	switch v, known := parseVersion(version); {
	case !known:
		add("info", "Ollama answers, of a version it does not tell ("+version+")", "")
	case older(v, oldestServer):
		return fail(&tooOldError{version})
	case older(v, refusingTooLong):
		add("warn", "Ollama "+version+" answers; it cuts prompts that are too long without a word, so long answers are shown only once they are checked", "Update it to 0.13 or newer.")
	default:
		add("ok", "Ollama "+version+" answers", "")
	}
	if set.AllowRemote {
		add("warn", "allow_remote is set: notes may leave this machine", "Take it out if your server runs here.")
	} else {
		add("ok", "Offline guard: only this machine's own addresses are dialled, cloud models are refused", "")
	}
	for _, name := range []string{"http_proxy", "https_proxy", "all_proxy"} {
		if os.Getenv(name) != "" || os.Getenv(strings.ToUpper(name)) != "" {
			add("info", name+" is set; it is not used", "")
		}
	}
	info, err := s.findModel(ctx, c, set.Model)
	if err != nil {
		return fail(err)
	}
	if info.Remote && !set.AllowRemote {
		return fail(&ollama.Error{Kind: ollama.Remote, Op: "show", Model: info.Name})
	}
	add("ok", "Model "+info.Name+" can write text", "")
	all = append(all, s.checkWindow(ctx, c, set, info)...)
	for _, name := range Styles(set.Prompts) {
		_, err := findPrompt(set.Prompts, "summarize", name)
		var broken *PromptError
		if errors.As(err, &broken) {
			add("error", fmt.Sprintf("Prompt file %s is broken: %v", place(broken), broken.Err), "Correct it, or take it away.")
		}
	}
	return all
}

func (s *Service) checkWindow(ctx context.Context, c *ollama.Client, set Settings, info ollama.Info) []Finding {
	loaded, err := c.Loaded(ctx)
	if err != nil {
		s.log.Debug("loaded models not known", "error", err)
	}
	e := &engine{set: set, model: info.Name, info: info}
	e.settleWindow(loaded)
	var all []Finding
	text := fmt.Sprintf("Window: %s tokens will be used", thousands(e.window))
	switch {
	case info.Context > 0 && set.Context > info.Context:
		all = append(all, Finding{"info", fmt.Sprintf("%s; the model was made for no more than %s", text, thousands(info.Context)), ""})
	default:
		all = append(all, Finding{"ok", text, ""})
	}
	for _, l := range loaded {
		if sameModel(l.Name, info.Name) && l.Size > 0 {
			all = append(all, Finding{"info", fmt.Sprintf("Loaded with a window of %s tokens, %d%% on the GPU", thousands(l.Context), 100*l.VRAM/l.Size), ""})
		}
	}
	return all
}
