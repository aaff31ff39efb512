package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"career.nvim/llm/note"
)

// SummarizeRequest asks for a summary of a note in a style: the name of a
// prompt of the group "summarize", "" for "brief".
type SummarizeRequest struct {
	Settings
	Note
	Style string
}

// Styles lists the names that SummarizeRequest.Style may have.
func Styles(folders []string) []string { return promptNames(folders, "summarize") }

// Summarize reads a note, whole or in parts that are then joined, and gives its
// summary to out. The Stats hold what was spent also when it fails.
func (s *Service) Summarize(ctx context.Context, r SummarizeRequest, out Out) (Stats, error) {
	if err := readable(r.Note); err != nil {
		return Stats{}, err
	}
	style := cmp.Or(r.Style, "brief")
	prompt, err := findPrompt(r.Prompts, "summarize", style)
	if errors.Is(err, fs.ErrNotExist) {
		return Stats{}, &unknownStyleError{style, Styles(r.Prompts)}
	}
	if err != nil {
		return Stats{}, err
	}
	if prompt.Model != "" {
		r.Model = prompt.Model
	}
	e, err := s.open(ctx, r.Settings, out)
	if err != nil {
		return Stats{}, err
	}
	system, err := findPrompt(r.Prompts, "", "system")
	if err != nil {
		return e.cost(), err
	}
	d := digest{engine: e, note: r.Note, prompt: prompt}
	if d.system, err = system.render(d.vars("")); err == nil {
		err = d.run(ctx)
	}
	return e.cost(), err
}

// readable says what is wrong with a text that no model could make sense of.
func readable(n Note) error {
	text := n.Text
	if strings.TrimSpace(text) == "" {
		return errEmpty
	}
	if strings.ContainsRune(text, 0) {
		return errBinary
	}
	if !utf8.ValidString(text) {
		line := n.Line
		for len(text) > 0 {
			r, k := utf8.DecodeRuneInString(text)
			if r == utf8.RuneError && k == 1 {
				break
			}
			if r == '\n' {
				line++
			}
			text = text[k:]
		}
		return &encodingError{line}
	}
	return nil
}

// digest is the reading of one note with one prompt.
type digest struct {
	*engine
	note   Note
	prompt *Prompt
	system string
}

func (d *digest) vars(text string) map[string]any {
	return map[string]any{"note": text, "filetype": d.note.Filetype, "title": d.note.Name}
}

// run asks about the note in one request where it fits, else in parts.
func (d *digest) run(ctx context.Context) error {
	text := strings.ReplaceAll(d.note.Text, "\r\n", "\n")
	front := note.Body(text)
	if strings.TrimSpace(text[front:]) == "" {
		return errEmpty
	}
	first := d.note.Line + strings.Count(text[:front], "\n")
	text = text[front:]

	limit, err := d.limit(d.predict)
	if err != nil {
		return err
	}
	if d.size(text) <= limit {
		d.stats.Parts = 1
		_, err := d.tell(ctx, between("note", "", text), d.predict, true)
		var cut *notWholeError
		if !errors.As(err, &cut) {
			return err
		}
		d.svc.log.Info("note not read whole, splitting it", "model", d.model, "error", err)
		d.out.Retract()
		d.tighten()
	}
	return d.runParts(ctx, text, first)
}

// runParts reads a long text in parts and joins what was said of each.
func (d *digest) runParts(ctx context.Context, text string, first int) error {
	// Short answers, so that several fit into one request when they are joined.
	limit, err := d.limit(d.predict)
	if err != nil {
		return err
	}
	predict := max(leastPart/2, min(d.predict, limit/4))
	limit = min(limit, max(leastPart, d.size(text)/2+leastPart))
	parts := d.split(text, limit)
	d.phase.Parts = len(parts)
	var said []string
	for i, p := range parts {
		d.phase.Part = i + 1
		p.First, p.Last = p.First+first-1, p.Last+first-1
		texts, err := d.readPart(ctx, p, predict)
		if err != nil {
			return &partError{p.First, p.Last, err}
		}
		said = append(said, texts...)
	}
	d.phase.Part, d.phase.Parts = 0, 0
	return d.join(ctx, said, predict)
}

// readPart asks about one part, and about smaller ones where it turns out to be
// more than the model reads at once.
func (d *digest) readPart(ctx context.Context, p note.Part, predict int) ([]string, error) {
	if strings.TrimSpace(p.Text) == "" {
		return nil, nil
	}
	about := fmt.Sprintf("lines %d to %d of a longer note", p.First, p.Last)
	text, err := d.tell(ctx, between("note", about, p.Text), predict, false)
	var cut *notWholeError
	if !errors.As(err, &cut) {
		d.stats.Parts++
		return []string{text}, err
	}
	before := d.size(p.Text)
	d.tighten()
	parts := d.split(p.Text, before/2)
	if len(parts) < 2 || before < leastPart {
		return nil, err
	}
	var said []string
	for _, q := range parts {
		q.First, q.Last = q.First+p.First-1, q.Last+p.First-1
		texts, err := d.readPart(ctx, q, predict)
		if err != nil {
			return nil, err
		}
		said = append(said, texts...)
	}
	return said, nil
}

// join makes one answer of the parts' answers: at once where they fit, else
// group by group, in as many levels as it takes.
func (d *digest) join(ctx context.Context, said []string, predict int) error {
	for {
		limit, err := d.limit(d.predict)
		if err != nil {
			return err
		}
		groups := d.groups(said, limit)
		if len(groups) == 1 {
			_, err := d.tell(ctx, joined(groups[0]), d.predict, true)
			var cut *notWholeError
			if !errors.As(err, &cut) || len(said) < 2 {
				return err
			}
			d.out.Retract()
			d.tighten()
			continue
		}
		if len(groups) == len(said) {
			return errCannotJoin
		}
		next := make([]string, len(groups))
		for i, g := range groups {
			if len(g) == 1 {
				next[i] = g[0]
				continue
			}
			if next[i], err = d.tell(ctx, joined(g), predict, false); err != nil {
				return err
			}
		}
		said = next
	}
}

// groups puts neighbours together as long as they fit one request.
func (d *digest) groups(said []string, limit int) [][]string {
	var all [][]string
	used := 0
	for _, s := range said {
		n := d.size(s) + 2
		if len(all) == 0 || used+n > limit {
			all, used = append(all, nil), 0
		}
		all[len(all)-1] = append(all[len(all)-1], s)
		used += n
	}
	return all
}

// tell asks the prompt's question about a text that stands between markers.
func (d *digest) tell(ctx context.Context, text string, predict int, stream bool) (string, error) {
	user, err := d.prompt.render(d.vars(text))
	if err != nil {
		return "", err
	}
	return d.ask(ctx, question{d.system, user, predict, d.prompt.Options, stream})
}

// limit is the size of text that fits one request beside the prompt's words.
func (d *digest) limit(predict int) (int, error) {
	words, err := d.prompt.render(d.vars(between("note", "lines 100000 to 100000 of a longer note", "")))
	if err != nil {
		return 0, err
	}
	limit := d.room(d.size(d.system)+d.size(words), predict)
	if limit < leastPart {
		return 0, &smallWindowError{d.window, d.model}
	}
	return limit, nil
}

// joined is how the answers about several parts are put before the model.
func joined(said []string) string {
	return between("note", "points taken from the parts of one long note, in their order", strings.Join(said, "\n\n"))
}

// between puts a text between markers that it does not contain itself. A chat
// template's own marks in it lose their meaning, as Ollama does not escape them.
func between(name, about, text string) string {
	mark := name
	for n := 2; strings.Contains(text, "</"+mark+">"); n++ {
		mark = fmt.Sprintf("%s-%d", name, n)
	}
	text = strings.ReplaceAll(text, "<|", "< |")
	if about != "" {
		about = fmt.Sprintf(" about=%q", about)
	}
	return fmt.Sprintf("<%s%s>\n%s\n</%s>", mark, about, strings.Trim(text, "\n"), mark)
}
