package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/sourcegraph/conc"

	"career.nvim/llm/note"
	"career.nvim/llm/ollama"
	"career.nvim/llm/store"
)

// Defaults for what a request leaves out, and bounds.
const (
	defaultContext = 8192
	defaultPredict = 1024
	templateTokens = 24 // what a chat template adds to the two messages, at most
	leastPart      = 48 // tokens of note that a part must hold to be worth asking
)

// The oldest server that tells what a model can do (capabilities in /api/show),
// and the first that refuses a prompt that is too long when it is told to.
var (
	oldestServer    = [3]int{0, 6, 4}
	refusingTooLong = [3]int{0, 13, 0}
)

// engine is one job's view of one model: checked, with its window, and counting
// what the job costs. Only the goroutine of the job uses it.
type engine struct {
	svc     *Service
	client  *ollama.Client
	set     Settings
	out     Out
	model   string
	info    ollama.Info
	loaded  bool // with the window that will be asked for
	window  int  // num_ctx
	predict int  // num_predict of the answer that the user sees
	refuses bool // the server answers 400 to a prompt that is too long
	ratio   store.Ratio
	tight   float64 // from 1 up: how much more cautious than the ratio this job has become
	phase   Phase
	started time.Time
	stats   Stats
	writing time.Duration // sum of the time in which answers were written
}

// open finds the model, checks it against the rules and settles its window. All
// that is asked of the server is asked at once.
func (s *Service) open(ctx context.Context, set Settings, out Out) (*engine, error) {
	e := &engine{svc: s, set: set, out: out, tight: 1, started: time.Now()}
	e.say(Phase{Name: "starting"})
	var err error
	if e.client, err = s.client(set); err != nil {
		return nil, err
	}
	var (
		version               string
		loaded                []ollama.Loaded
		versionErr, loadedErr error
		wg                    conc.WaitGroup
	)
	wg.Go(func() { version, versionErr = e.client.Version(ctx) })
	wg.Go(func() { loaded, loadedErr = e.client.Loaded(ctx) })
	wg.Go(func() { e.info, err = s.findModel(ctx, e.client, set.Model) })
	wg.Wait()
	if err != nil {
		return nil, err
	}
	if versionErr != nil || loadedErr != nil {
		s.log.Debug("server tells less than it might", "version", versionErr, "loaded", loadedErr)
	}
	v, known := parseVersion(version)
	if known && older(v, oldestServer) {
		return nil, &tooOldError{version}
	}
	e.refuses = known && !older(v, refusingTooLong)
	e.model = e.info.Name
	e.stats.Model = e.model
	e.ratio = s.store.Ratio(e.model)
	e.settleWindow(loaded)
	return e, nil
}

// findModel returns the model of that name, or the one to use when none is
// named: the user's choice, else the newest local one that can complete.
func (s *Service) findModel(ctx context.Context, c *ollama.Client, name string) (ollama.Info, error) {
	if name = cmp.Or(name, s.store.Model()); name != "" {
		info, err := c.Show(ctx, name)
		if err == nil && !info.Completes {
			err = &cannotCompleteError{name}
		}
		return info, err
	}
	models, err := c.Models(ctx)
	if err != nil {
		return ollama.Info{}, err
	}
	for _, m := range models {
		if m.Remote {
			continue
		}
		info, err := c.Show(ctx, m.Name)
		if err != nil {
			return ollama.Info{}, err
		}
		if info.Completes && !info.Remote {
			return info, nil
		}
	}
	return ollama.Info{}, errNoModel
}

// settleWindow chooses num_ctx and num_predict, once for the job.
func (e *engine) settleWindow(loaded []ollama.Loaded) {
	e.window = cmp.Or(e.set.Context, defaultContext)
	if n, ok := number(e.set.Options["num_ctx"]); ok && n > 0 {
		e.window = n
	}
	if e.info.Context > 0 {
		e.window = min(e.window, e.info.Context)
	}
	for _, l := range loaded {
		if !sameModel(l.Name, e.model) {
			continue
		}
		if l.Context >= e.window { // another value would load it anew
			e.window, e.loaded = l.Context, true
		}
	}
	e.predict = min(defaultPredict, e.window/4)
	if n, ok := number(e.set.Options["num_predict"]); ok && n > 0 {
		e.predict = min(n, e.window*3/4)
	}
	e.stats.Context = e.window
}

func sameModel(a, b string) bool {
	return strings.TrimSuffix(a, ":latest") == strings.TrimSuffix(b, ":latest")
}

// number reads a number of the user's options, whatever type it came in.
func number(v any) (int, bool) {
	switch v := v.(type) {
	case int64:
		return int(v), true
	case uint64:
		return int(v), true
	case float64:
		return int(v), true
	case int:
		return v, true
	}
	return 0, false
}

// size estimates the tokens of a text, never more than its bytes, as no
// tokenizer makes more than one token of a byte.
func (e *engine) size(text string) int {
	n := float64(tokens(weigh(text), e.ratio)) * e.tight
	return min(len(text), int(math.Ceil(n)))
}

// room is how many tokens of note fit beside a prompt's own words.
func (e *engine) room(words, predict int) int {
	return e.window - predict - templateTokens - words
}

// tighten makes the job more cautious, after a prompt that did not fit.
func (e *engine) tighten() { e.tight *= 1.5 }

// notWholeError is a prompt that the model did not read whole, or would not.
type notWholeError struct {
	Window, Read int   // tokens; Read is 0 when nothing was read
	Err          error // the server's refusal, or nil
}

func (e *notWholeError) Error() string {
	return fmt.Sprintf("prompt not read whole: %d tokens read, window of %d", e.Read, e.Window)
}

func (e *notWholeError) Unwrap() error { return e.Err }

// question is one request.
type question struct {
	system, user string
	predict      int
	options      map[string]any // the prompt file's; the user's own go before
	stream       bool           // pass the answer on while it is written
}

// ask sends one request and returns the whole answer. The error is a
// *notWholeError when the prompt was not read whole; then nothing that was
// streamed of the answer may stay.
func (e *engine) ask(ctx context.Context, q question) (string, error) {
	w := weigh(q.system).plus(weigh(q.user))
	bytes := len(q.system) + len(q.user) + templateTokens
	// Each token is a byte at least: what has fewer bytes than the window has
	// tokens can't have been cut.
	certain := bytes+q.predict <= e.window
	stream := q.stream && (certain || e.refuses)

	req := ollama.ChatRequest{
		Model: e.model, System: q.system, User: q.user,
		Context: e.window, Predict: q.predict,
		KeepAlive: e.set.KeepAlive, Think: e.think(), Options: e.options(q.options),
	}
	watch := e.watch(ctx, req, tokens(w, e.ratio))
	var clean cleaner
	var answer strings.Builder
	take := func(text string) {
		if text == "" {
			return
		}
		if e.stats.FirstToken == 0 && q.stream {
			e.stats.FirstToken = time.Since(e.started)
		}
		answer.WriteString(text)
		if stream {
			e.out.Text(text)
		}
	}
	res, err := e.client.Chat(ctx, req, func(token string) {
		e.wrote(watch())
		take(clean.write(token))
	})
	read := watch()
	e.stats.Requests++
	e.count(res)
	if err != nil {
		return "", e.chatError(ctx, err, read.first.IsZero(), take, &clean)
	}
	take(clean.end())
	if !certain && !e.readWhole(w, res) {
		return "", &notWholeError{Window: e.window, Read: res.PromptTokens}
	}
	e.loaded = true
	if res.PromptTokens > 0 {
		e.ratio = learn(e.ratio, w, res.PromptTokens)
		e.svc.store.Learn(e.model, e.ratio)
	}
	if q.stream && !stream {
		e.out.Text(answer.String())
	}
	if res.DoneReason == "length" && q.stream {
		e.stats.Notice = fmt.Sprintf("The answer reached its limit of %s tokens. Set options.num_predict higher to go on.", thousands(q.predict))
	}
	return answer.String(), nil
}

// chatError sorts out why a request failed. What came before the failure stays.
func (e *engine) chatError(ctx context.Context, err error, unread bool, take func(string), clean *cleaner) error {
	var oe *ollama.Error
	if errors.As(err, &oe) && oe.Kind == ollama.TooLong {
		e.ratio = store.Ratio{
			ASCII: 1.25 * cmp.Or(e.ratio.ASCII, startASCII), Other: min(startOther, 1.25*cmp.Or(e.ratio.Other, startOther)),
		}
		return &notWholeError{Window: e.window, Err: err}
	}
	take(clean.end())
	if ctx.Err() != nil && unread {
		e.svc.free(e.client, e.model)
	}
	if oe == nil && ctx.Err() == nil {
		// Nothing was sent.
		return &settingError{cmp.Or(errors.Unwrap(err), err)}
	}
	return err
}

// readWhole compares what the server says that it read with the estimate. An
// old server cuts a prompt to num_ctx tokens, newer ones to num_ctx/2+2.
func (e *engine) readWhole(w weight, res ollama.Result) bool {
	n := res.PromptTokens
	if n == 0 {
		return e.refuses
	}
	if n+res.OutputTokens > e.window || n >= e.window-1 {
		return false
	}
	likely := 0.85*float64(w.ascii) + 0.4*float64(w.other)
	least := 0.5*float64(w.ascii) + 0.12*float64(w.other)
	if e.ratio.ASCII > 0 && (e.ratio.Other > 0 || w.other*20 < w.ascii) {
		likely = e.ratio.ASCII*float64(w.ascii) + e.ratio.Other*float64(w.other)
		least = 0.6 * likely
	}
	half := e.window/2 + 2
	if n >= half-3 && n <= half+3 && likely > 1.1*float64(n) {
		return false
	}
	return float64(n) >= least
}

func (e *engine) count(res ollama.Result) {
	e.stats.PromptTokens += res.PromptTokens
	e.stats.OutputTokens += res.OutputTokens
	e.writing += res.Eval
}

// cost closes the books of a job.
func (e *engine) cost() Stats {
	s := e.stats
	s.Total = time.Since(e.started)
	if e.writing > 0 {
		s.TokensPerSecond = float64(s.OutputTokens) / e.writing.Seconds()
	}
	return s
}

// think is what to send: nothing to a model that can't.
func (e *engine) think() any {
	if !e.info.Thinks {
		return nil
	}
	if e.set.Think == nil {
		return false
	}
	return e.set.Think
}

func (e *engine) options(prompt map[string]any) map[string]any {
	all := make(map[string]any, len(prompt)+len(e.set.Options))
	for _, m := range []map[string]any{prompt, e.set.Options} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// parseVersion reads "0.17.4" and "0.18.0-rc1"; builds without a version of
// their own call themselves 0.0.0, which is not known.
func parseVersion(s string) (v [3]int, known bool) {
	s, _, _ = strings.Cut(strings.TrimPrefix(s, "v"), "-")
	for i, field := range strings.SplitN(s, ".", 3) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return v, false
		}
		v[i] = n
	}
	return v, v != [3]int{}
}

func older(a, b [3]int) bool {
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// split cuts a text so that each part has a size of at most limit, and at most
// half of the text's when it has been too much once.
func (e *engine) split(text string, limit int) []note.Part {
	return note.Split(text, limit, e.size)
}
