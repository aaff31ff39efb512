// Package ollama talks to one Ollama server, and sees to it that nothing
// leaves this machine and that nothing ends in silence: every answer is either
// whole or an error that says why. It is the only importer of Ollama's api
// package. It keeps no text, does no retries and chooses no model.
//
// Start with New and Client.Chat.
package ollama

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ollama/ollama/api"
)

// Config says where the server is.
type Config struct {
	// Host is written as OLLAMA_HOST is: "", "127.0.0.1", "localhost:11434",
	// ":11500", "http://[::1]:11434", "https://box:443". "" is 127.0.0.1:11434.
	Host string
	// AllowRemote lets the server be on another machine and models be in the
	// cloud. Without it nothing but loopback is dialled.
	AllowRemote bool
	// Log gets one line for each request, never a word of its text. nil: none.
	Log *slog.Logger
}

// Client is safe for use by many goroutines. Call Close when it is done with.
type Client struct {
	api         *api.Client
	transport   *http.Transport
	host        string
	allowRemote bool
	log         *slog.Logger
	freeWait    time.Duration

	mu     sync.Mutex
	remote map[string]bool // models the server has called remote
	sent   map[string]sent // how each model was last asked
}

// sent is what decides whether a next request reloads the model.
type sent struct {
	options   map[string]any
	keepAlive *api.Duration
}

// New makes a client. It does no I/O; Version tells whether the server is there.
//
// Without AllowRemote it takes OLLAMA_AUTH out of this process's environment:
// api.Client would sign each request with the key in ~/.ollama, which a local
// server does not ask for, and fail where there is no key (the server runs as
// another user or in a container). There is no other way to tell it.
func New(cfg Config) (*Client, error) {
	base, err := parseHost(cfg.Host)
	if err != nil {
		return nil, err
	}
	c := &Client{
		transport:   newTransport(cfg.AllowRemote),
		host:        base.Host,
		allowRemote: cfg.AllowRemote,
		log:         cmp.Or(cfg.Log, slog.New(slog.DiscardHandler)),
		freeWait:    time.Second,
		remote:      map[string]bool{},
		sent:        map[string]sent{},
	}
	if !cfg.AllowRemote {
		name := base.Hostname()
		if ip := net.ParseIP(name); ip != nil && !ip.IsLoopback() || name == "ollama.com" {
			return nil, &Error{Kind: Remote, Op: "connect", Host: c.host, Err: errRemote}
		}
		os.Unsetenv("OLLAMA_AUTH")
	}
	c.api = api.NewClient(base, &http.Client{
		Transport:     recorder{c.transport},
		CheckRedirect: sameHost,
	})
	return c, nil
}

// Close closes the idle connections. Requests that are under way go on.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Version asks the server for its version, such as "0.17.4". It is also the
// cheapest way to see that Ollama is there.
func (c *Client) Version(ctx context.Context) (string, error) {
	var v string
	err := c.call(ctx, &exchange{}, "version", "", func(ctx context.Context) (err error) {
		if v, err = c.api.Version(ctx); err == nil && v == "" {
			err = errShape
		}
		return err
	})
	return v, err
}

// Model is one of the server's models.
type Model struct {
	Name, Digest                        string
	Family, ParameterSize, Quantization string
	Size                                int64
	Modified                            time.Time
	Remote                              bool // Chat refuses it
}

// Models lists what the server has, the most recently modified first.
func (c *Client) Models(ctx context.Context) ([]Model, error) {
	var list *api.ListResponse
	err := c.call(ctx, &exchange{}, "models", "", func(ctx context.Context) (err error) {
		if list, err = c.api.List(ctx); err == nil && list.Models == nil {
			err = errShape
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	models := make([]Model, len(list.Models))
	for i, m := range list.Models {
		remote := m.RemoteHost != "" || m.RemoteModel != ""
		c.noteRemote(m.Name, remote)
		models[i] = Model{
			Name: m.Name, Digest: m.Digest, Size: m.Size, Modified: m.ModifiedAt,
			Family: m.Details.Family, ParameterSize: m.Details.ParameterSize,
			Quantization: m.Details.QuantizationLevel,
			Remote:       remote || cloudName(m.Name),
		}
	}
	slices.SortStableFunc(models, func(a, b Model) int { return b.Modified.Compare(a.Modified) })
	return models, nil
}

// Info is what a model can do.
type Info struct {
	Name    string
	Context int // tokens it was made for, 0 when the server does not say
	Family  string
	Remote  bool // Chat refuses it
	// Completes, Thinks and Embeds are the server's word when HasCapabilities.
	// Old servers say nothing: then Completes is true unless the family is one
	// that only embeds.
	Completes, Thinks, Embeds bool
	HasCapabilities           bool
}

// Show asks for one model.
func (c *Client) Show(ctx context.Context, name string) (Info, error) {
	var s *api.ShowResponse
	err := c.call(ctx, &exchange{}, "show", name, func(ctx context.Context) (err error) {
		s, err = c.api.Show(ctx, &api.ShowRequest{Model: name})
		if err == nil && s.ModelInfo == nil && s.Details.Family == "" && s.Capabilities == nil && s.RemoteHost == "" {
			err = errShape
		}
		return err
	})
	if err != nil {
		return Info{}, err
	}
	remote := s.RemoteHost != "" || s.RemoteModel != ""
	c.noteRemote(name, remote)
	info := Info{Name: name, Family: s.Details.Family, Remote: remote || cloudName(name)}
	arch, _ := s.ModelInfo["general.architecture"].(string)
	if n, ok := s.ModelInfo[arch+".context_length"].(float64); ok {
		info.Context = int(n)
	}
	info.HasCapabilities = len(s.Capabilities) > 0
	info.Completes = !info.HasCapabilities && !strings.Contains(info.Family+arch, "bert")
	for _, capability := range s.Capabilities {
		switch capability {
		case "completion":
			info.Completes = true
		case "thinking":
			info.Thinks = true
		case "embedding":
			info.Embeds = true
		}
	}
	return info, nil
}

// Loaded is a model in the server's memory.
type Loaded struct {
	Name, Digest string
	Size, VRAM   int64
	Context      int // the window it was loaded with, 0 from old servers
	Expires      time.Time
}

// Loaded lists the models in memory. A model is listed while it is being loaded.
func (c *Client) Loaded(ctx context.Context) ([]Loaded, error) {
	var ps *api.ProcessResponse
	err := c.call(ctx, &exchange{}, "loaded", "", func(ctx context.Context) (err error) {
		if ps, err = c.api.ListRunning(ctx); err == nil && ps.Models == nil {
			err = errShape
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	loaded := make([]Loaded, len(ps.Models))
	for i, m := range ps.Models {
		loaded[i] = Loaded{Name: m.Name, Digest: m.Digest, Size: m.Size, VRAM: m.SizeVRAM,
			Context: m.ContextLength, Expires: m.ExpiresAt}
	}
	return loaded, nil
}

// call does one request with x watching, and explains its failure.
func (c *Client) call(ctx context.Context, x *exchange, op, model string, do func(context.Context) error) error {
	start := time.Now()
	err := do(withExchange(ctx, x))
	if err != nil {
		err = c.explain(ctx, op, model, x, err)
	}
	c.log.Debug("request", "op", op, "model", model, "status", x.status, "took", time.Since(start), "err", err)
	return err
}
