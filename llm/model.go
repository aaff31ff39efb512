package llm

import (
	"context"
	"fmt"

	"github.com/sourcegraph/conc/iter"

	"career.nvim/llm/ollama"
)

// Model is a local model that can complete text.
type Model struct {
	Name         string
	Size         int64 // bytes on disk
	Parameters   string
	Quantization string
	Context      int // the window that it was made for, in tokens; 0 when not known
	Loaded       bool
	Chosen       bool
}

// Models lists the models that a command may use, the newest first.
func (s *Service) Models(ctx context.Context, set Settings) ([]Model, error) {
	c, err := s.client(set)
	if err != nil {
		return nil, err
	}
	tags, err := c.Models(ctx)
	if err != nil {
		return nil, err
	}
	loaded, err := c.Loaded(ctx)
	if err != nil {
		s.log.Debug("loaded models not known", "error", err)
	}
	infos, err := iter.MapErr(tags, func(m *ollama.Model) (ollama.Info, error) {
		if m.Remote {
			return ollama.Info{Remote: true}, nil
		}
		return c.Show(ctx, m.Name)
	})
	if err != nil {
		return nil, err
	}
	chosen := s.store.Model()
	var all []Model
	for i, m := range tags {
		if !infos[i].Completes || infos[i].Remote && !set.AllowRemote {
			continue
		}
		one := Model{Name: m.Name, Size: m.Size, Parameters: m.ParameterSize, Quantization: m.Quantization,
			Context: infos[i].Context, Chosen: sameModel(m.Name, chosen)}
		for _, l := range loaded {
			one.Loaded = one.Loaded || sameModel(l.Name, m.Name)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, errNoModel
	}
	return all, nil
}

// Choose keeps a model as the one to use when the configuration names none, and
// returns its name.
func (s *Service) Choose(ctx context.Context, set Settings, name string) (string, error) {
	c, err := s.client(set)
	if err != nil {
		return "", err
	}
	info, err := c.Show(ctx, name)
	if err != nil {
		return "", err
	}
	switch {
	case info.Remote && !set.AllowRemote:
		return "", &ollama.Error{Kind: ollama.Remote, Op: "show", Model: name}
	case !info.Completes:
		return "", &cannotCompleteError{name}
	}
	if err := s.store.Choose(info.Name); err != nil {
		return "", fmt.Errorf("keep the choice of a model: %w", err)
	}
	return info.Name, nil
}
