package llm

import (
	"context"
	"sync"
	"time"

	"github.com/sourcegraph/conc"

	"career.nvim/llm/ollama"
)

// say tells the phase, with the part of the text that it is about.
func (e *engine) say(p Phase) {
	p.Part, p.Parts = e.phase.Part, e.phase.Parts
	e.phase = p
	e.out.Phase(p)
}

// reading is how far the reading of one request's prompt has come.
type reading struct {
	first  time.Time // of the first token, zero while there is none
	tokens int       // written so far
	told   time.Time // when the rate was last told
}

// How often a server that does not say when a model is loaded is asked for those
// that are.
const loadPoll = 300 * time.Millisecond

// watch tells the phases of one request: loading as long as the model is not
// loaded, then reading. The function that it returns must be called with the
// first token and when the request has ended; it stops the watching and returns
// the request's clock.
func (e *engine) watch(ctx context.Context, req ollama.ChatRequest, tokens int) func() *reading {
	r := &reading{}
	if e.loaded {
		e.say(Phase{Name: "reading", Tokens: tokens})
		return func() *reading { return r }
	}
	e.say(Phase{Name: "loading"})
	ctx, cancel := context.WithCancel(ctx)
	var wg conc.WaitGroup
	wg.Go(func() {
		// The answer itself has not even a header before its first token.
		loaded := e.client.Preload(ctx, req) == nil || e.awaitLoaded(ctx)
		if loaded && ctx.Err() == nil {
			e.say(Phase{Name: "reading", Tokens: tokens})
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		wg.Wait()
	})
	return func() *reading {
		stop()
		return r
	}
}

// awaitLoaded waits until the server lists the model with the window asked for.
func (e *engine) awaitLoaded(ctx context.Context) bool {
	tick := time.NewTicker(loadPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		loaded, err := e.client.Loaded(ctx)
		if err != nil {
			continue
		}
		for _, l := range loaded {
			if sameModel(l.Name, e.model) && (l.Context == 0 || l.Context >= e.window) {
				return true
			}
		}
	}
}

// wrote counts a token and tells the speed, four times a second.
func (e *engine) wrote(r *reading) {
	now := time.Now()
	r.tokens++
	if r.first.IsZero() {
		r.first, r.told = now, now
		e.say(Phase{Name: "writing"})
		return
	}
	if now.Sub(r.told) >= 250*time.Millisecond {
		r.told = now
		e.say(Phase{Name: "writing", Rate: float64(r.tokens-1) / now.Sub(r.first).Seconds()})
	}
}
