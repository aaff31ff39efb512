package llm

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/goccy/go-yaml"

	"career.nvim/llm/note"
)

//go:embed prompts
var builtin embed.FS

// Prompt is a prompt file: YAML front matter and, as its body, a text/template.
type Prompt struct {
	Name        string         `yaml:"name"`
	Description string         `yaml:"description"`
	Output      string         `yaml:"output"` // "window", "insert", "replace" or "new"
	Model       string         `yaml:"model"`
	Options     map[string]any `yaml:"options"`

	File string             `yaml:"-"` // where it was read, as a person would name it
	body *template.Template `yaml:"-"`
}

// PromptError is a broken prompt file, named with the line where it is known.
type PromptError struct {
	File string
	Line int // 0: not known
	Err  error
}

func (e *PromptError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.File, e.Err)
}

func (e *PromptError) Unwrap() error { return e.Err }

// findPrompt returns a prompt of a group ("summarize", or "" for all commands'
// own) by name: from the first of the user's folders that has it, else built in.
// The error is fs.ErrNotExist when nobody has it, or a *PromptError.
func findPrompt(folders []string, group, name string) (*Prompt, error) {
	if name != path.Base(name) {
		return nil, fmt.Errorf("prompt %q: %w", name, fs.ErrNotExist)
	}
	for _, dir := range folders {
		p, err := readPrompt(os.DirFS(dir), path.Join(group, name+".md"), dir+"/")
		if !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
	}
	return readPrompt(builtin, path.Join("prompts", group, name+".md"), "built-in ")
}

// promptNames lists the prompts of a group, in alphabetical order.
func promptNames(folders []string, group string) []string {
	var names []string
	list := func(fsys fs.FS, dir string) {
		entries, err := fs.ReadDir(fsys, dir)
		if err != nil {
			return // a folder that isn't there has no prompts
		}
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), ".md"); ok && !e.IsDir() {
				names = append(names, name)
			}
		}
	}
	for _, dir := range folders {
		list(os.DirFS(dir), path.Clean(group))
	}
	list(builtin, path.Join("prompts", group))
	slices.Sort(names)
	return slices.Compact(names)
}

func readPrompt(fsys fs.FS, name, where string) (*Prompt, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("prompt %q: %w", name, fs.ErrNotExist)
	}
	text, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	return parsePrompt(string(text), where+strings.TrimPrefix(name, "prompts/"))
}

func parsePrompt(text, file string) (*Prompt, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	front := text[:note.Body(text)]
	p := &Prompt{File: file}
	if front == "" {
		return nil, &PromptError{file, 1, errors.New("a prompt file starts with front matter between two lines of ---")}
	}
	// The opening line of dashes is a YAML document's start, the closing one is
	// not part of it.
	head := strings.TrimRight(front, "\n")
	head = strings.TrimSuffix(head, "---")
	if err := yaml.UnmarshalWithOptions([]byte(head), p, yaml.Strict()); err != nil {
		return nil, &PromptError{file, yamlLine(err), errors.New(firstLine(yamlMessage(err)))}
	}
	body := strings.Trim(text[len(front):], "\n")
	if body == "" {
		return nil, &PromptError{file, strings.Count(front, "\n"), errors.New("nothing stands below the front matter")}
	}
	lead := text[:strings.Index(text, body)]
	// Blank lines keep the template's own line numbers those of the file.
	t, err := template.New(file).Option("missingkey=error").Parse(strings.Repeat("\n", strings.Count(lead, "\n")) + body)
	if err != nil {
		return nil, templateError(file, err)
	}
	p.body = t
	return p, nil
}

// render fills in a prompt's variables.
func (p *Prompt) render(vars map[string]any) (string, error) {
	var b bytes.Buffer
	if err := p.body.Execute(&b, vars); err != nil {
		return "", templateError(p.File, err)
	}
	return strings.Trim(b.String(), "\n"), nil
}

// templateError takes the line out of text/template's own message, which is
// "template: FILE:LINE[:COLUMN]: what".
func templateError(file string, err error) error {
	msg := strings.TrimPrefix(err.Error(), "template: "+file+":")
	num, rest, _ := strings.Cut(msg, ":")
	line, convErr := strconv.Atoi(num)
	if convErr != nil {
		return &PromptError{File: file, Err: err}
	}
	if col, more, ok := strings.Cut(rest, ": "); ok {
		if _, convErr := strconv.Atoi(col); convErr == nil {
			rest = more
		}
	}
	return &PromptError{file, line, errors.New(strings.TrimSpace(rest))}
}

func yamlLine(err error) int {
	var e yaml.Error
	if errors.As(err, &e) && e.GetToken() != nil && e.GetToken().Position != nil {
		return e.GetToken().Position.Line
	}
	return 0
}

func yamlMessage(err error) string {
	var e yaml.Error
	if errors.As(err, &e) {
		return e.GetMessage()
	}
	return err.Error()
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
