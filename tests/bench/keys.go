package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sourcegraph/conc"
)

// keys is how the editor keeps up while 5,000 tokens come, from the command on:
// the longest time that its loop does not turn, and the time from a key's being
// typed at the terminal to its being taken.
func (b *bench) keys(ctx context.Context, n often) ([]row, error) {
	tokens := numbered(5000)
	var gaps, keys samples
	err := b.with(false, func(e *editor, s *server) error {
		if _, err := e.short(ctx, s, ""); err != nil { // starts the program
			return err
		}
		for range n.burst {
			s.burst(tokens)
			var ours burst
			w, err := e.busy(func() (err error) {
				ours, err = e.summarize(ctx, s)
				time.Sleep(reading) // the end is drawn
				return err
			})
			if err != nil {
				return err
			}
			if err := e.check(ours.finished, strings.Join(tokens, "")); err != nil {
				return err
			}
			gaps = append(gaps, ms(w.Gap))
			for i := range w.Keys {
				keys = append(keys, ms(w.Keys[i]-w.typed[i]))
			}
		}
		return nil
	})
	return []row{{"largest stall of the editor / key latency p99 meanwhile",
		fmt.Sprintf("%.1f / %.1f ms", gaps.median(), keys.quantile(0.99)), "10 / 8 ms"}}, err
}

// watched is what the probe saw while keys were typed.
type watched struct {
	Gap   int64   `msgpack:"gap"`
	Keys  []int64 `msgpack:"keys"` // when each was taken
	typed []int64
}

// busy does something while keys are typed.
func (e *editor) busy(do func() error) (w watched, err error) {
	if err := e.ExecLua("bench.watch()", nil); err != nil {
		return w, fmt.Errorf("watch: %w", err)
	}
	var (
		wg      conc.WaitGroup
		done    = make(chan struct{})
		typed   []int64
		typeErr error
	)
	wg.Go(func() { typed, typeErr = e.typing(done) })
	err = do()
	close(done)
	wg.Wait()
	if err = errors.Join(err, typeErr); err != nil {
		return w, err
	}
	err = poll("all keys to be taken", func() error {
		var n int
		if err := e.ExecLua("return bench.keys()", &n); err != nil || n == len(typed) {
			return err
		}
		return fmt.Errorf("%d of %d were", n, len(typed))
	})
	if err != nil {
		return w, err
	}
	if err := e.ExecLua("return bench.watched()", &w); err != nil {
		return w, fmt.Errorf("read what was watched: %w", err)
	}
	w.typed = typed
	return w, nil
}

// typing types l and h into the terminal in turn, until done is closed, and
// returns when each was typed.
func (e *editor) typing(done <-chan struct{}) (typed []int64, err error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return typed, nil
		case <-tick.C:
		}
		key := "lh"[len(typed)%2]
		typed = append(typed, now())
		if _, err := e.terminal.Write([]byte{key}); err != nil {
			return nil, fmt.Errorf("type: %w", err)
		}
	}
}
