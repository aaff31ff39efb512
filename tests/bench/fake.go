package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"career.nvim/llm/llmtest"
)

// server is a fake Ollama; the stamps of each chat come on chats when it has
// ended. Call close last.
type server struct {
	*llmtest.Fake
	reporter
	chats chan stamps
}

// stamps are times of one chat; see now.
type stamps struct {
	came, first, gone int64 // the request, the first token, the hang-up
}

func serve() *server {
	s := &server{chats: make(chan stamps, 1)}
	s.Fake = llmtest.New(&s.reporter)
	return s
}

// answer queues a script and hands over its stamps, of which it sets those that
// come after the first.
func (s *server) answer(write func(w *llmtest.Stream, st *stamps)) {
	s.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
		st := stamps{came: now()}
		write(w, &st)
		s.chats <- st
	})
}

// How long the server reads before it writes, as every model does: the editor
// has opened the result's window by then.
const reading = 100 * time.Millisecond

// burst queues an answer that comes as fast as the server can write, a flush
// for each token.
func (s *server) burst(tokens []string) {
	s.answer(func(w *llmtest.Stream, st *stamps) {
		time.Sleep(reading)
		st.first = now()
		for _, t := range tokens {
			w.Token(t)
		}
		w.Done("stop")
	})
}

// steady queues an answer of so many tokens a second, which ends well, or not at
// all until the client hangs up.
func (s *server) steady(tokens []string, rate int, endless bool) {
	s.answer(func(w *llmtest.Stream, st *stamps) {
		time.Sleep(reading)
		tick := time.NewTicker(time.Second / time.Duration(rate))
		defer tick.Stop()
		st.first = now()
		for _, t := range tokens {
			w.Token(t)
			<-tick.C
		}
		if endless {
			w.WaitGone()
			st.gone = now()
			return
		}
		w.Done("stop")
	})
}

// raw asks for a burst and only reads it: the least that any client has to do.
func (s *server) raw(tokens []string) (took float64, err error) {
	s.burst(tokens)
	const ask = `{"model":"tiny","messages":[{"role":"user","content":"?"}],"truncate":false,"options":{"num_ctx":8192,"num_predict":1024}}`
	client := http.Client{Transport: &http.Transport{}} // no proxy
	defer client.CloseIdleConnections()
	resp, err := client.Post(s.URL+"/api/chat", "application/json", strings.NewReader(ask))
	if err != nil {
		return 0, fmt.Errorf("ask the fake: %w", err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		var line struct{ Message struct{ Content string } }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return 0, fmt.Errorf("decode a line: %w", err)
		}
		text.WriteString(line.Message.Content)
	}
	end := now()
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("read the stream: %w", err)
	}
	if text.String() != strings.Join(tokens, "") {
		return 0, errors.New("the raw loop's text is not exact")
	}
	return ms(end - (<-s.chats).first), nil
}

func ms(ns int64) float64 { return float64(ns) / 1e6 }

// numbered are n different tokens, in lines of a Markdown list.
func numbered(n int) []string {
	all := make([]string, n)
	for i := range all {
		switch {
		case i%12 == 0 && i > 0:
			all[i] = fmt.Sprintf("\n- %d", i+1)
		case i == 0:
			all[i] = "- 1"
		case i%12 == 5:
			all[i] = fmt.Sprintf(" **%d**", i+1)
		default:
			all[i] = fmt.Sprintf(" %d", i+1)
		}
	}
	return all
}

// note is what is summarized.
func note() string {
	var b strings.Builder
	b.WriteString("# Notes of a year\n")
	for i := range 40 {
		fmt.Fprintf(&b, "\nIn week %d we shipped release %d, and *learnt* that a small change is easier to take back.\n", i+1, i*3+1)
	}
	return b.String()
}

// reporter is an llmtest.Reporter outside of a test. close ends what was begun.
type reporter struct {
	mu       sync.Mutex
	problems []error
	cleanups []func()
}

func (*reporter) Helper() {}

func (r *reporter) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

func (r *reporter) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

// close returns all that the server found wrong with what it was asked.
func (r *reporter) close() error {
	for _, f := range r.cleanups {
		f()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.problems...)
}
