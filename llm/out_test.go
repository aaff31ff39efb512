package llm

import (
	"strings"
	"sync"
	"testing"

	"career.nvim/llm/llmtest"
)

// sheet is an Out that keeps what it is given.
type sheet struct {
	mu       sync.Mutex
	text     string
	log      []string // "text", "retract" and the phases' names, in order
	phases   []Phase
	retracts int
	heard    func(string) // called with each text
	told     func(Phase)  // called with each phase
}

func (s *sheet) Text(text string) {
	s.mu.Lock()
	s.text += text
	s.log = append(s.log, "text")
	heard := s.heard
	s.mu.Unlock()
	if heard != nil {
		heard(text)
	}
}

func (s *sheet) Phase(p Phase) {
	s.mu.Lock()
	s.phases = append(s.phases, p)
	s.log = append(s.log, p.Name)
	told := s.told
	s.mu.Unlock()
	if told != nil {
		told(p)
	}
}

func (s *sheet) Retract() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = ""
	s.retracts++
	s.log = append(s.log, "retract")
}

// history is the log with repetitions taken out.
func (s *sheet) history() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, word := range s.log {
		if len(all) == 0 || all[len(all)-1] != word {
			all = append(all, word)
		}
	}
	return strings.Join(all, " ")
}

func newService(t *testing.T) *Service {
	t.Helper()
	s := New(Options{State: t.TempDir()})
	t.Cleanup(s.Close)
	return s
}

func request(f *llmtest.Fake, text string) SummarizeRequest {
	return SummarizeRequest{
		Settings: Settings{Host: f.URL, Model: "tiny", Context: 8192, KeepAlive: "10m", Think: false},
		Note:     Note{Text: text, Line: 1, Name: "note.md", Filetype: "markdown"},
	}
}

// chats returns the chats that came, without those that were refused as too long.
func chats(f *llmtest.Fake) []llmtest.Chat {
	var all []llmtest.Chat
	for _, r := range f.Requests() {
		if r.Path == "/api/chat" && (f.Count == nil || f.Count(r.Chat) <= r.Chat.NumCtx()) {
			all = append(all, r.Chat)
		}
	}
	return all
}

// marked returns what stands between the markers of a prompt.
func marked(t *testing.T, user string) (about, text string) {
	t.Helper()
	open, rest, ok := strings.Cut(user, ">\n")
	if !ok || !strings.HasPrefix(open, "<note") {
		t.Fatalf("no marker in %q", user)
	}
	mark, about, _ := strings.Cut(strings.TrimPrefix(open, "<"), " about=")
	text, _, ok = strings.Cut(rest, "\n</"+mark+">")
	if !ok {
		t.Fatalf("no end in %q", user)
	}
	return strings.Trim(about, `"`), text
}
