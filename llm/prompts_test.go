package llm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"career.nvim/llm/llmtest"
)

// folder makes a folder with files: path, text, path, text, …
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		path := filepath.Join(dir, files[i])
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(files[i+1]), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuiltInPromptsRender(t *testing.T) {
	names := promptNames(nil, "summarize")
	if want := []string{"brief", "lessons", "outline", "timeline"}; !reflect.DeepEqual(names, want) {
		t.Errorf("there are %v, want %v", names, want)
	}
	vars := map[string]any{"note": "<note>\nWe shipped it.\n</note>", "filetype": "markdown", "title": "a.md"}
	for _, name := range names {
		p, err := findPrompt(nil, "summarize", name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.render(vars)
		if err != nil || !strings.Contains(got, "We shipped it.") || strings.Contains(got, "{{") || got != strings.TrimSpace(got) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if p.Name != name || p.Description == "" || p.Output != "window" || p.File != "built-in summarize/"+name+".md" {
			t.Errorf("%s: %+v", name, p)
		}
	}
	p, err := findPrompt(nil, "", "system")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.render(vars); err != nil || !strings.HasPrefix(got, "You help") {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestUsersFoldersGoBeforeTheBuiltInOne(t *testing.T) {
	text := func(body string) string { return "---\nname: x\n---\n" + body + "\n" }
	first := folder(t, "summarize/mine.md", text("first"), "summarize/notes.txt", "no prompt", "summarize/deep/x.md", text("x"))
	second := folder(t, "summarize/mine.md", text("second"), "summarize/brief.md", text("second {{ .note }}"), "system.md", text("own"))
	folders := []string{filepath.Join(first, "none"), first, second}
	for _, tt := range []struct{ group, name, want string }{
		{"summarize", "mine", "first"},
		{"summarize", "brief", "second N"},
		{"", "system", "own"},
	} {
		p, err := findPrompt(folders, tt.group, tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.render(map[string]any{"note": "N"}); got != tt.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
	if got, want := Styles(folders), []string{"brief", "lessons", "mine", "outline", "timeline"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the styles are %v, want %v", got, want)
	}
}

func TestNamesAreNoPaths(t *testing.T) {
	dir := folder(t, "secret.md", "---\nname: secret\n---\nbody", "in/summarize/deep/x.md", "---\nname: x\n---\nbody")
	for _, name := range []string{"../system", "../../secret", "../../../secret", "deep/x", "/etc/passwd", "..", ".", "", "brief.md", "BRIEF\x00"} {
		if _, err := findPrompt([]string{filepath.Join(dir, "in")}, "summarize", name); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

func TestBrokenPromptIsNamedWithItsLine(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		line       int
		want       string
	}{
		{"no front matter", "Summarize!", 1, "front matter"},
		{"front matter without an end", "---\nname: x\nSummarize!", 1, "front matter"},
		{"no body", "---\nname: x\n---\n\n", 3, "nothing stands below"},
		{"bad YAML", "---\nname: x\ndescription: [a\n---\nbody", 3, ""},
		{"an unknown key", "---\nname: x\noutput: window\ntemperature: 3\n---\nbody", 4, "temperature"},
		{"a key of a wrong type", "---\nname: x\noptions: 3\n---\nbody", 3, ""},
		{"bad template syntax", "---\nname: x\n---\n\nLine\n{{ if }}\n", 6, "if"},
		{"a variable that there isn't", "---\nname: x\n---\nLine\nLine {{ .nothing }}\n", 5, "nothing"},
		{"an unknown function", "---\nname: x\n---\n{{ shout .note }}\n", 4, "shout"},
		{"with CRLF", "---\r\nname: x\r\n---\r\nLine\r\n{{ .nothing }}\r\n", 5, "nothing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := folder(t, "summarize/mine.md", tt.text)
			p, err := findPrompt([]string{dir}, "summarize", "mine")
			if err == nil {
				_, err = p.render(map[string]any{"note": "N"})
			}
			var broken *PromptError
			if !errors.As(err, &broken) {
				t.Fatalf("got %v", err)
			}
			if broken.File != dir+"/summarize/mine.md" || broken.Line != tt.line || !strings.Contains(broken.Err.Error(), tt.want) {
				t.Errorf("got %q, want line %d and %q", err, tt.line, tt.want)
			}
			if said := broken.Err.Error(); strings.Contains(said, "\n") || strings.Contains(said, "map[") || strings.Contains(said, "template:") {
				t.Errorf("a person reads %q", said)
			}
		})
	}
}

func TestBrokenPromptIsToldAndNothingSent(t *testing.T) {
	f := llmtest.New(t)
	r := request(f, "We shipped it.")
	r.Prompts = []string{folder(t, "summarize/brief.md", "---\nname: x\n---\n{{ .nothing }}\n")}
	_, err := newService(t).Summarize(t.Context(), r, &sheet{})
	if got := Say(err); !strings.Contains(got, "summarize/brief.md:4 is broken") || len(chats(f)) != 0 {
		t.Errorf("got %q after %d chats", got, len(chats(f)))
	}
}
