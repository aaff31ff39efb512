package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// row is one line of the table.
type row struct {
	what, got, most string
}

// often is how many times each thing is measured.
type often struct{ start, first, burst, one, steady int }

// measure measures the parts that are named in only, or all.
func (b *bench) measure(ctx context.Context, quick bool, only string) ([]row, error) {
	n := often{start: 200, first: 15, burst: 31, one: 30, steady: 3}
	if quick {
		n = often{start: 20, first: 4, burst: 7, one: 10, steady: 1}
	}
	var rows []row
	for _, part := range []struct {
		name    string
		measure func(context.Context, often) ([]row, error)
	}{
		{"start", b.startup},
		{"request", b.request},
		{"first", b.firstToken},
		{"burst", b.allAtOnce},
		{"keys", b.keys},
		{"steady", b.tenSeconds},
		{"stop", b.stop},
	} {
		if only != "" && !strings.Contains(","+only+",", ","+part.name+",") {
			continue
		}
		fmt.Fprintf(b.log, "bench: %s …\n", part.name)
		got, err := part.measure(ctx, n)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", part.name, err)
		}
		rows = append(rows, got...)
	}
	return rows, nil
}

// with does something with an editor of its own, in front of a server of its own.
func (b *bench) with(follow bool, do func(*editor, *server) error) error {
	s := serve()
	e, err := b.edit(s.URL, follow)
	if err != nil {
		return errors.Join(err, s.close())
	}
	err = do(e, s)
	return errors.Join(err, e.close(), s.close())
}

// visit is one job seen from all sides.
type visit struct {
	began int64 // when the command was given
	stamps
	finished
}

// short runs :CareerSummarize with an answer of one token, and then stop, or
// lets the answer end when stop is "".
func (e *editor) short(ctx context.Context, s *server, stop string) (v visit, err error) {
	const text = "- 1"
	s.steady([]string{text}, 1000, stop != "")
	if v.began, err = e.run("CareerSummarize"); err != nil {
		return v, err
	}
	status := "done"
	if stop != "" {
		status = "cancelled"
		if err := e.awaitText(); err != nil {
			return v, err
		}
		if v.began, err = e.run(stop); err != nil {
			return v, err
		}
	}
	if v.finished, err = e.end(ctx, status); err != nil {
		return v, err
	}
	v.stamps = <-s.chats
	return v, e.check(v.finished, text)
}

// request is the time from the command to its request at the server.
func (b *bench) request(ctx context.Context, n often) ([]row, error) {
	var first, later samples
	for range n.first {
		err := b.with(false, func(e *editor, s *server) error {
			for i := range 4 {
				v, err := e.short(ctx, s, "")
				if err != nil {
					return err
				}
				if took := ms(v.came - v.began); i == 0 {
					first = append(first, took)
				} else {
					later = append(later, took)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return []row{{"command → request at the server, first use / later",
		fmt.Sprintf("%.1f / %.1f ms", first.median(), later.median()), "10 / 2 ms"}}, nil
}

// firstToken is the time from the first token's being written to its being in
// the buffer.
func (b *bench) firstToken(ctx context.Context, n often) ([]row, error) {
	var all samples
	err := b.with(false, func(e *editor, s *server) error {
		for range n.one {
			v, err := e.short(ctx, s, "")
			if err != nil {
				return err
			}
			all = append(all, ms(v.First-v.first))
		}
		return nil
	})
	return []row{{"first token written → in the buffer", fmt.Sprintf("%.1f ms", all.median()), "1.5 ms"}}, err
}

// stop is the time from :CareerStop to the server's seeing that it may end.
func (b *bench) stop(ctx context.Context, n often) ([]row, error) {
	var all samples
	err := b.with(false, func(e *editor, s *server) error {
		for range n.one {
			v, err := e.short(ctx, s, "CareerStop")
			if err != nil {
				return err
			}
			all = append(all, ms(v.gone-v.began))
		}
		return nil
	})
	return []row{{"stop → the server sees it", fmt.Sprintf("%.1f ms", all.median()), "2 ms"}}, err
}
