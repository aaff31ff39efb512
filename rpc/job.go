package rpc

import (
	"context"
	"errors"
	"time"

	"github.com/sourcegraph/conc"
	"github.com/sourcegraph/conc/panics"

	"career.nvim/llm"
)

// work is what a job does. Its result, if any, goes out with the last event.
type work func(ctx context.Context, out llm.Out) (result any, stats llm.Stats, err error)

// start files a job under its id and runs it. Each job ends in exactly one last
// event: done, cancelled or failed, also when it panics.
func (s *Server) start(id int, method string, do work) error {
	ctx, cancel := context.WithCancel(s.root)
	s.mu.Lock()
	_, taken := s.running[id]
	if !taken {
		s.running[id] = cancel
	}
	s.mu.Unlock()
	if taken {
		cancel()
		return errors.New("a job of that id is running")
	}
	s.jobs.Go(func() {
		defer cancel()
		s.run(ctx, cancel, id, method, do)
	})
	return nil
}

// stop cancels a job; one that is over already is left alone.
func (s *Server) stop(id int) {
	s.mu.Lock()
	cancel := s.running[id]
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

func (s *Server) run(ctx context.Context, cancel func(), id int, method string, do work) {
	out := newFrames(func(ev event) (time.Duration, error) { return s.editor.event(id, ev) })
	var sendErr error
	var wg conc.WaitGroup
	wg.Go(func() {
		if sendErr = out.run(); sendErr != nil {
			s.log.Error("editor did not take a frame", "job", id, "error", sendErr)
			cancel()
		}
	})
	var (
		result any
		st     llm.Stats
		err    error
	)
	if p := panics.Try(func() { result, st, err = do(ctx, out) }); p != nil {
		err = p.AsError()
	}
	// Filed away before the editor hears of the end, as it may use the id anew.
	s.mu.Lock()
	delete(s.running, id)
	s.mu.Unlock()
	ev := lastEvent(ctx, result, st, err)
	out.end(ev)
	wg.Wait()
	if sendErr != nil && s.root.Err() == nil {
		// The editor failed over a frame; it must hear of the end all the same.
		ev.kind = eventFailed
		ev.data = last{Stats: wireStats(st), Error: "Neovim did not take the text; what it took is kept. Look at the log."}
		if _, err := s.editor.event(id, ev); err != nil {
			s.log.Error("end of a job not delivered", "job", id, "error", err)
		}
	}
	s.log.Info("job ended", "job", id, "method", method, "model", st.Model, "requests", st.Requests,
		"prompt_tokens", st.PromptTokens, "output_tokens", st.OutputTokens, "took", st.Total)
	if err != nil && ctx.Err() == nil {
		s.log.Error("job failed", "job", id, "method", method, "error", err)
	}
}

func lastEvent(ctx context.Context, result any, st llm.Stats, err error) event {
	l := last{Stats: wireStats(st), Result: result, Notice: st.Notice}
	switch {
	case err == nil:
		return event{kind: eventDone, data: l}
	case ctx.Err() != nil:
		return event{kind: eventCancelled, data: l}
	}
	l.Error = llm.Say(err)
	return event{kind: eventFailed, data: l}
}
