package rpc

import (
	"context"

	"career.nvim/llm"
)

// summarizeParams are the parameters of "summarize".
type summarizeParams struct {
	Settings settings `msgpack:"settings"`
	Note     note     `msgpack:"note"`
	Style    string   `msgpack:"style"`
}

// summarize starts a job that streams a summary.
func (s *Server) summarize(id int, p summarizeParams) (bool, error) {
	return true, s.start(id, "summarize", func(ctx context.Context, out llm.Out) (any, llm.Stats, error) {
		st, err := s.svc.Summarize(ctx, llm.SummarizeRequest{Settings: p.Settings.llm(), Note: p.Note.llm(), Style: p.Style}, out)
		return nil, st, err
	})
}

// styles lists the styles of a summary, for completion: it asks no server.
func (s *Server) styles(p settings) ([]string, error) {
	return llm.Styles(p.Prompts), nil
}
