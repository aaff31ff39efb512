package rpc

import (
	"context"

	"career.nvim/llm"
)

// model is one model as the editor lists it.
type model struct {
	Name         string `msgpack:"name"`
	Size         int64  `msgpack:"size"` // bytes on disk
	Parameters   string `msgpack:"parameters"`
	Quantization string `msgpack:"quantization"`
	Context      int    `msgpack:"context"` // the window it was made for, in tokens
	Loaded       bool   `msgpack:"loaded"`
	Chosen       bool   `msgpack:"chosen"`
}

// models starts a job whose result lists the local models that can complete.
func (s *Server) models(id int, p settings) (bool, error) {
	return true, s.start(id, "models", func(ctx context.Context, _ llm.Out) (any, llm.Stats, error) {
		found, err := s.svc.Models(ctx, p.llm())
		all := make([]model, len(found))
		for i, m := range found {
			all[i] = model(m)
		}
		return all, llm.Stats{}, err
	})
}

type chooseParams struct {
	Settings settings `msgpack:"settings"`
	Name     string   `msgpack:"name"`
}

// choose starts a job that keeps a model as the user's choice.
func (s *Server) choose(id int, p chooseParams) (bool, error) {
	return true, s.start(id, "choose", func(ctx context.Context, _ llm.Out) (any, llm.Stats, error) {
		name, err := s.svc.Choose(ctx, p.Settings.llm(), p.Name)
		return name, llm.Stats{}, err
	})
}
