package rpc

import (
	"sync"
	"time"

	"career.nvim/llm"
)

// Time between two frames of text: at least the first, at most the second, and
// in between so that drawing takes about one part in drawShare of the time.
const (
	leastPause = 33 * time.Millisecond
	mostPause  = 100 * time.Millisecond
	drawShare  = 16
)

// The most text of one frame, so that no single edit stalls the editor.
const mostText = 128 << 10

// event is one frame as it goes to the editor.
type event struct {
	kind string
	text string
	data any
}

// frames carries what a job gives to the editor: text is gathered while a frame
// is under way, and the next one goes when the editor has taken the last. A busy
// editor holds back frames, never the job. run must be running; end is called
// once, last.
type frames struct {
	// send delivers a frame, waits until the editor has taken it and returns
	// what drawing the frame before cost.
	send func(event) (time.Duration, error)

	mu      sync.Mutex
	text    []byte
	phase   *phase
	retract bool
	last    *event

	wake  chan struct{} // something waits to be sent
	ended chan struct{} // last is set
}

func newFrames(send func(event) (time.Duration, error)) *frames {
	return &frames{send: send, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

// Text, Phase and Retract make frames an llm.Out.

func (f *frames) Text(s string) {
	f.mu.Lock()
	f.text = append(f.text, s...)
	f.mu.Unlock()
	f.ring()
}

func (f *frames) Phase(p llm.Phase) {
	f.mu.Lock()
	f.phase = (*phase)(&p)
	f.mu.Unlock()
	f.ring()
}

func (f *frames) Retract() {
	f.mu.Lock()
	f.text, f.retract = nil, true
	f.mu.Unlock()
	f.ring()
}

// end hands over the job's last event; text that waits goes with it.
func (f *frames) end(last event) {
	f.mu.Lock()
	f.last = &last
	f.mu.Unlock()
	close(f.ended)
}

func (f *frames) ring() {
	select {
	case f.wake <- struct{}{}:
	default: // rung already
	}
}

// run sends frames until the last one is sent or the editor is gone, which it
// returns as an error.
func (f *frames) run() error {
	var pause <-chan time.Time // not over: text waits, phases go with it
	wake := f.wake
	for {
		select {
		case <-wake:
		case <-pause:
			pause, wake = nil, f.wake
		case <-f.ended:
		}
		for {
			ev, more := f.next()
			if ev == nil {
				break
			}
			cost, err := f.send(*ev)
			if err != nil || ev.kind == eventDone || ev.kind == eventCancelled || ev.kind == eventFailed {
				return err
			}
			if ev.kind == eventText {
				pause, wake = time.After(min(mostPause, max(leastPause, drawShare*cost))), nil
			}
			if !more {
				break
			}
		}
	}
}

// next takes what is to be sent first, and says whether the rest must follow at
// once.
func (f *frames) next() (ev *event, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.retract {
		f.retract = false
		return &event{kind: eventRetract}, true
	}
	if len(f.text) > mostText || f.last == nil && len(f.text) > 0 {
		k := min(len(f.text), mostText)
		for k < len(f.text) && f.text[k]&0xc0 == 0x80 {
			k-- // never inside a character
		}
		ev = &event{kind: eventText, text: string(f.text[:k])}
		f.text = f.text[k:]
		return ev, f.last != nil || f.phase != nil
	}
	if f.last != nil {
		ev = f.last
		ev.text = string(f.text)
		return ev, false
	}
	if f.phase != nil {
		ev = &event{kind: eventPhase, data: f.phase}
		f.phase = nil
		return ev, len(f.text) > 0
	}
	return nil, false
}
