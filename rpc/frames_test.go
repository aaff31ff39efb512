package rpc

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"career.nvim/llm"
)

// screen takes frames as an editor does: one at a time, each for as long as
// takes says, and answers with what drawing cost.
type screen struct {
	t     *testing.T
	start time.Time
	takes time.Duration
	cost  time.Duration
	err   error // the answer to a frame of text
	busy  bool
	got   []shown
}

type shown struct {
	at   time.Duration
	kind string
	text string
}

func (s *screen) take(ev event) (time.Duration, error) {
	if s.busy {
		s.t.Error("two frames are under way")
	}
	s.busy = true
	s.got = append(s.got, shown{time.Since(s.start), ev.kind, ev.text})
	time.Sleep(s.takes)
	s.busy = false
	if ev.kind == eventText && s.err != nil {
		return 0, s.err
	}
	return s.cost, nil
}

// show runs a job's writing against a screen in time that costs none, and
// returns what the screen got.
func show(t *testing.T, s *screen, write func(*frames)) (err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.t, s.start = t, time.Now()
		f := newFrames(s.take)
		over := make(chan error)
		go func() { over <- f.run() }()
		synctest.Wait()
		write(f)
		err = <-over
	})
	return err
}

func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

const ms = time.Millisecond

func TestFirstTextGoesAtOnceAndTheRestIsGathered(t *testing.T) {
	var s screen
	show(t, &s, func(f *frames) {
		pass(7 * ms)
		f.Text("first")
		pass(ms / 2) // so that no piece comes at the moment of a frame
		for i := range 40 {
			f.Text(fmt.Sprintf(" %d", i))
			pass(1 * ms)
		}
		pass(100 * ms)
		f.Text("x")
		pass(0)
		f.end(event{kind: eventDone})
	})
	var second, third string
	for i := range 33 {
		second += fmt.Sprintf(" %d", i)
	}
	for i := 33; i < 40; i++ {
		third += fmt.Sprintf(" %d", i)
	}
	want := []shown{
		{7 * ms, eventText, "first"}, {40 * ms, eventText, second}, {73 * ms, eventText, third},
		{147*ms + ms/2, eventText, "x"}, {147*ms + ms/2, eventDone, ""},
	}
	if !reflect.DeepEqual(s.got, want) {
		t.Errorf("got %v\nwant %v", s.got, want)
	}
}

func TestPauseFollowsWhatDrawingCosts(t *testing.T) {
	for _, tt := range []struct {
		name             string
		cost, takes, gap time.Duration
	}{
		{"nothing is known", 0, 0, 33 * ms},
		{"a cheap frame", 1 * ms, 0, 33 * ms},
		{"a Markdown buffer", 4 * ms, 0, 64 * ms},
		{"a huge window", 30 * ms, 0, 100 * ms},
		{"it counts from when the editor has taken the frame", 4 * ms, 20 * ms, 84 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := screen{cost: tt.cost, takes: tt.takes}
			show(t, &s, func(f *frames) {
				f.Text("a")
				pass(0)
				f.Text("b")
				pass(time.Second)
				f.end(event{kind: eventDone})
			})
			if len(s.got) != 3 || s.got[0].at != 0 || s.got[1].at != tt.gap {
				t.Errorf("got %v, want the second after %v", s.got, tt.gap)
			}
		})
	}
}

func TestBusyEditorHoldsBackFramesButNotTheJob(t *testing.T) {
	s := screen{takes: 500 * ms}
	var want strings.Builder
	var wrote time.Duration
	show(t, &s, func(f *frames) {
		begun := time.Now()
		for i := range 1000 {
			text := fmt.Sprintf("%d ", i)
			want.WriteString(text)
			f.Text(text)
			time.Sleep(ms)
		}
		wrote = time.Since(begun)
		f.end(event{kind: eventDone})
	})
	if wrote != 1000*ms {
		t.Errorf("the job took %v, want it not to wait for the editor", wrote)
	}
	var got strings.Builder
	for _, g := range s.got {
		got.WriteString(g.text)
	}
	if got.String() != want.String() {
		t.Errorf("got %q\nwant %q", got.String(), want.String())
	}
	if n := len(s.got); n > 4 {
		t.Errorf("%d frames in a second, want no more than the editor took", n)
	}
}

func TestEndTakesTheWaitingTextAlongAtOnce(t *testing.T) {
	var s screen
	show(t, &s, func(f *frames) {
		f.Text("a")
		pass(5 * ms)
		f.Text("b")
		f.Phase(llm.Phase{Name: "writing"})
		pass(1 * ms)
		f.end(event{kind: eventCancelled})
	})
	want := []shown{{0, eventText, "a"}, {6 * ms, eventCancelled, "b"}}
	if !reflect.DeepEqual(s.got, want) {
		t.Errorf("got %v, want %v", s.got, want)
	}
}

func TestRetractTakesBackWhatWaitsAndWhatWasShown(t *testing.T) {
	var s screen
	show(t, &s, func(f *frames) {
		f.Text("wrong")
		pass(1 * ms)
		f.Text("never seen")
		f.Retract()
		f.Text("right")
		pass(time.Second)
		f.Retract()
		f.end(event{kind: eventDone})
	})
	want := []shown{{0, eventText, "wrong"}, {33 * ms, eventRetract, ""}, {33 * ms, eventText, "right"},
		{1001 * ms, eventRetract, ""}, {1001 * ms, eventDone, ""}}
	if !reflect.DeepEqual(s.got, want) {
		t.Errorf("got %v, want %v", s.got, want)
	}
}

func TestPhasesGoAtOnceAndOnlyTheLastCounts(t *testing.T) {
	var s screen
	show(t, &s, func(f *frames) {
		f.Phase(llm.Phase{Name: "starting"})
		pass(1 * ms)
		f.Phase(llm.Phase{Name: "reading"})
		f.Phase(llm.Phase{Name: "writing"})
		f.Text("a")
		pass(1 * ms)
		f.Phase(llm.Phase{Name: "writing"}) // during the pause
		pass(time.Second)
		f.end(event{kind: eventDone})
	})
	want := []shown{{0, eventPhase, ""}, {1 * ms, eventText, "a"}, {1 * ms, eventPhase, ""},
		{34 * ms, eventPhase, ""}, {1002 * ms, eventDone, ""}}
	if !reflect.DeepEqual(s.got, want) {
		t.Errorf("got %v, want %v", s.got, want)
	}
}

func TestMuchTextGoesInFramesOfWholeCharacters(t *testing.T) {
	for _, tt := range []struct{ name, lead, unit string }{
		{"one byte a character", "", "a"},
		{"three bytes", "", "語"},
		{"three bytes, shifted by one", "a", "語"},
		{"four bytes, shifted by three", "abc", "🙂"},
	} {
		for _, atEnd := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, at the end %v", tt.name, atEnd), func(t *testing.T) {
				text := tt.lead + strings.Repeat(tt.unit, 300<<10/len(tt.unit))
				var s screen
				show(t, &s, func(f *frames) {
					f.Text(text)
					if !atEnd {
						pass(time.Second)
					}
					f.end(event{kind: eventDone})
				})
				var got strings.Builder
				for _, g := range s.got {
					if len(g.text) > 128<<10 || !utf8.ValidString(g.text) {
						t.Errorf("a frame of %d bytes, valid: %v", len(g.text), utf8.ValidString(g.text))
					}
					got.WriteString(g.text)
				}
				if got.String() != text {
					t.Errorf("got %d bytes, want the %d that were written", got.Len(), len(text))
				}
				if last := s.got[len(s.got)-1]; last.kind != eventDone {
					t.Errorf("the last event is %s", last.kind)
				}
			})
		}
	}
}

func TestFrameThatTheEditorRefusesIsTheLast(t *testing.T) {
	s := screen{err: errors.New("E21")}
	err := show(t, &s, func(f *frames) {
		f.Text("a")
		f.Text("b")
		pass(time.Second)
		f.Text("c")
		f.end(event{kind: eventDone})
	})
	if err != s.err || len(s.got) != 1 {
		t.Errorf("got %v and %v, want one frame and the editor's error", s.got, err)
	}
}
