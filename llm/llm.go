// Package llm is the model half of career.nvim: it builds prompts from notes,
// sends them to a local Ollama and hands back text. It knows nothing of Neovim;
// one file stands for each command. Start with New, and call Close last.
package llm

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sourcegraph/conc"

	"career.nvim/llm/ollama"
	"career.nvim/llm/store"
)

// Options are what a Service is made with; the zero value keeps nothing on disk.
type Options struct {
	State string // folder for what is kept; "" keeps it in memory
	Log   *slog.Logger
}

// Service runs commands. It is safe for several at once.
type Service struct {
	log   *slog.Logger
	store *store.Store

	mu      sync.Mutex
	clients map[ollama.Config]*ollama.Client

	closing context.Context // ends when Close is called
	close   context.CancelFunc
	freeing conc.WaitGroup // of servers that still read for a job that was stopped
}

// New returns a Service that has done no work yet.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{log: o.Log, store: store.Open(o.State, o.Log), clients: map[ollama.Config]*ollama.Client{}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Close gives up the connections to the servers, once no job runs.
func (s *Service) Close() {
	s.close()
	s.freeing.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		c.Close()
	}
	clear(s.clients)
}

// client returns the one client for a server, so that its connections are reused.
func (s *Service) client(set Settings) (*ollama.Client, error) {
	cfg := ollama.Config{Host: set.Host, AllowRemote: set.AllowRemote, Log: s.log}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[cfg]; c != nil {
		return c, nil
	}
	c, err := ollama.New(cfg)
	var guarded *ollama.Error
	if err != nil && !errors.As(err, &guarded) {
		err = &settingError{err}
	}
	if err != nil {
		return nil, err
	}
	s.clients[cfg] = c
	return c, nil
}

// Time that Close may take to have a model unloaded.
const lastWord = 300 * time.Millisecond

// free sees to it that a server does not go on reading a prompt that nobody
// waits for any more. When the program ends meanwhile, the model is unloaded at
// once, as there is nobody left to see whether it is busy.
func (s *Service) free(c *ollama.Client, model string) {
	s.freeing.Go(func() {
		err := c.Free(s.closing, model)
		if s.closing.Err() != nil {
			ctx, cancel := context.WithTimeout(context.Background(), lastWord)
			defer cancel()
			err = c.Unload(ctx, model)
		}
		if err != nil {
			s.log.Info("server not freed", "model", model, "error", err)
		}
	})
}

// Settings are what one request carries of the user's configuration.
type Settings struct {
	Host        string
	AllowRemote bool
	Model       string // "": the one chosen last, else the newest that can complete
	Context     int    // tokens of window to ask for; 0: 8192
	KeepAlive   string
	Think       any            // nil and false: off; true, or "low", "medium", "high"
	Options     map[string]any // Ollama's runtime options
	Prompts     []string       // folders of prompt files, before the built-in ones
}

// Note is the text that a command works on.
type Note struct {
	Text     string // lines ended by "\n"
	Line     int    // number of its first line in the file, from 1
	Name     string // the file's name without folders, or ""
	Filetype string
}

// Phase says what a job is doing.
type Phase struct {
	Name   string  // "starting", "loading", "reading", "writing"
	Tokens int     // of the prompt, estimated, while reading
	Rate   float64 // tokens per second, while writing
	Part   int     // which part is read, from 1; 0 when there is only one
	Parts  int
}

// Out takes what a job gives while it runs. Text comes in order; Retract takes
// back all text so far. Calls must return soon.
type Out interface {
	Text(string)
	Phase(Phase)
	Retract()
}

// Stats say what a job cost.
type Stats struct {
	Model           string
	Requests        int
	Cached          int
	Parts           int // how many parts the text was read in
	PromptTokens    int
	OutputTokens    int
	FirstToken      time.Duration // from the start of the job
	Total           time.Duration
	TokensPerSecond float64
	Context         int    // tokens of the window that was used
	Notice          string // something the user should know of a finished job, or ""
}
