package main

import (
	"context"
	"fmt"
	"strings"
)

// burst is what it took to bring an answer into the buffer that came as fast as
// it could.
type burst struct {
	finished
	took float64 // ms, from the first token's being written
	cpu  float64 // s, of Neovim and all that it started
}

// summarize runs :CareerSummarize, for which the server must have an answer.
func (e *editor) summarize(ctx context.Context, s *server) (burst, error) {
	pids, err := e.pids()
	if err != nil {
		return burst{}, err
	}
	before, err := cpu(pids)
	if err != nil {
		return burst{}, err
	}
	if _, err := e.run("CareerSummarize"); err != nil {
		return burst{}, err
	}
	f, err := e.end(ctx, "done")
	if err != nil {
		return burst{}, err
	}
	after, err := cpu(pids)
	if err != nil {
		return burst{}, err
	}
	st := <-s.chats
	return burst{f, ms(f.Last - st.first), (after - before).Seconds()}, nil
}

// allAtOnce is the way of 5,000 tokens into the buffer beside the raw loop's,
// what they cost, and what Neovim and the program hold in the end.
func (b *bench) allAtOnce(ctx context.Context, n often) ([]row, error) {
	tokens := numbered(5000)
	var took, raw, cost samples
	var held int64
	err := b.with(false, func(e *editor, s *server) error {
		if _, err := e.short(ctx, s, ""); err != nil { // starts the program
			return err
		}
		for range n.burst {
			s.burst(tokens)
			ours, err := e.summarize(ctx, s)
			if err != nil {
				return err
			}
			if err := e.check(ours.finished, strings.Join(tokens, "")); err != nil {
				return err
			}
			least, err := s.raw(tokens)
			if err != nil {
				return err
			}
			took, raw, cost = append(took, ours.took), append(raw, least), append(cost, ours.cpu)
		}
		pids, err := e.pids()
		if err == nil {
			held, err = memory(pids)
		}
		return err
	})
	return []row{
		{"5,000 tokens at once → all in the buffer, exact",
			fmt.Sprintf("%.0f ms: %.2f × the raw loop (%.0f ms)", took.median(), took.median()/raw.median(), raw.median()), "1.5 × the raw loop"},
		{"CPU of Neovim and its children for that", fmt.Sprintf("%.2f s", cost.median()), "0.10 s"},
		{"memory, Neovim and the process", fmt.Sprintf("%.0f MB", float64(held)/1e6), "40 MB"},
	}, err
}

// tenSeconds is what it costs to draw a text that is written at the speed of a
// fast model, its end in view.
func (b *bench) tenSeconds(ctx context.Context, n often) ([]row, error) {
	tokens := numbered(1000)
	var cost samples
	err := b.with(true, func(e *editor, s *server) error {
		if _, err := e.short(ctx, s, ""); err != nil { // starts the program
			return err
		}
		for range n.steady {
			s.steady(tokens, 100, false)
			ours, err := e.summarize(ctx, s)
			if err != nil {
				return err
			}
			if err := e.check(ours.finished, strings.Join(tokens, "")); err != nil {
				return err
			}
			cost = append(cost, ours.cpu)
		}
		return nil
	})
	return []row{{"CPU for 10 s at 100 tokens/s in a Markdown buffer, drawn",
		fmt.Sprintf("%.2f s", cost.median()), "0.8 s"}}, err
}
