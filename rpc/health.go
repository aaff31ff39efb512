package rpc

import (
	"context"

	"career.nvim/llm"
)

// finding is one line of :checkhealth.
type finding struct {
	Level  string `msgpack:"level"` // "ok", "info", "warn" or "error"
	Text   string `msgpack:"text"`
	Advice string `msgpack:"advice"`
}

// check starts a job whose result says what works and what does not.
func (s *Server) check(id int, p settings) (bool, error) {
	return true, s.start(id, "check", func(ctx context.Context, _ llm.Out) (any, llm.Stats, error) {
		found := s.svc.Check(ctx, p.llm())
		all := make([]finding, len(found))
		for i, f := range found {
			all[i] = finding(f)
		}
		return all, llm.Stats{}, nil
	})
}
