// Package rpc is the wire between Neovim and the program: msgpack-RPC requests
// come in, each command's own file checks one and starts a job, and events go
// back as the job gives something. Start with New, then Serve.
package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/neovim/go-client/nvim"
	"github.com/sourcegraph/conc"

	"career.nvim/llm"
)

// Server answers one Neovim.
type Server struct {
	svc     *llm.Service
	log     *slog.Logger
	version string
	editor  *editor

	root context.Context // of all jobs; ends with the channel
	quit context.CancelFunc
	jobs conc.WaitGroup

	mu      sync.Mutex
	running map[int]context.CancelFunc
}

// New returns a server on a channel to Neovim. The channel is closed with c.
func New(r io.Reader, w io.Writer, c io.Closer, svc *llm.Service, version string, log *slog.Logger) (*Server, error) {
	v, err := nvim.New(r, w, c, func(format string, args ...any) {
		log.Debug("rpc", "message", fmt.Sprintf(format, args...))
	})
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	s := &Server{svc: svc, log: log, version: version, editor: &editor{v}, running: map[int]context.CancelFunc{}}
	s.root, s.quit = context.WithCancel(context.Background())
	for name, handler := range map[string]any{
		"hello":     s.hello,
		"stop":      s.stopJob,
		"summarize": s.summarize,
		"models":    s.models,
		"choose":    s.choose,
		"check":     s.check,
		"styles":    s.styles,
	} {
		if err := v.RegisterHandler(name, handler); err != nil {
			return nil, fmt.Errorf("register %s: %w", name, err)
		}
	}
	return s, nil
}

// Serve answers until the channel closes or ctx ends. When it returns every job
// has ended, and so has every request to a model.
func (s *Server) Serve(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.editor.v.Serve() }()
	var err error
	select {
	case err = <-served:
	case <-ctx.Done():
		// Closing a standard input does not end a read of it that waits, so
		// nobody waits for that one: it ends with the program.
		_ = s.editor.v.Close()
	}
	s.quit()
	s.jobs.Wait()
	if err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("serve channel: %w", err)
	}
	return nil
}

// hello is the handshake: the editor asks first thing which protocol is spoken.
func (s *Server) hello() (hello, error) {
	if err := s.editor.introduce(s.version); err != nil {
		return hello{}, err
	}
	return hello{Protocol: Protocol, Version: s.version}, nil
}

// stopJob answers "stop".
func (s *Server) stopJob(id int) (bool, error) {
	s.stop(id)
	return true, nil
}

// editor is the other end of the channel.
type editor struct{ v *nvim.Nvim }

// introduce tells Neovim who is at this end of the channel.
func (e *editor) introduce(version string) error {
	err := e.v.SetClientInfo("career.nvim", nvim.ClientVersion{}, nvim.PluginClientType, map[string]*nvim.ClientMethod{}, nvim.ClientAttributes{"version": version})
	if err != nil {
		return fmt.Errorf("introduce the program: %w", err)
	}
	return nil
}

// One fixed chunk takes every event, so that no Lua is ever built from text.
const onEvent = `return require('career.host').on_event(...)`

// event delivers one event of a job and returns when the editor has taken it,
// with the time that drawing took before.
func (e *editor) event(id int, ev event) (time.Duration, error) {
	var ms float64
	if err := e.v.ExecLua(onEvent, &ms, id, ev.kind, ev.text, ev.data); err != nil {
		return 0, fmt.Errorf("deliver %s: %w", ev.kind, err)
	}
	return time.Duration(ms * float64(time.Millisecond)), nil
}
