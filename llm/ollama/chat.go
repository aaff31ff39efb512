package ollama

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strconv"
	"time"

	"github.com/ollama/ollama/api"
)

// ChatRequest is one question to a model. Model, Context and Predict are needed.
type ChatRequest struct {
	Model        string
	System, User string // no system message is sent when System is ""
	Context      int    // num_ctx: the window in tokens; another value than the last one reloads the model
	Predict      int    // num_predict: the most tokens it may write
	// KeepAlive is how long the model stays loaded after it, as Ollama writes
	// it: "10m", "0", "-1" (for ever), or plain seconds. "": the server's choice.
	KeepAlive string
	Think     any             // nil: left out; true, false, or "low", "medium", "high"
	Format    json.RawMessage // a JSON schema or "json" in quotes; nil: text
	Options   map[string]any  // more runtime options; Context and Predict win
}

// wire turns the request into Ollama's. truncate is always false: the server
// refuses what it can't read whole. shift is never sent: another value than the
// last request's reloads the model.
func (r ChatRequest) wire() (*api.ChatRequest, error) {
	if r.Context <= 0 || r.Predict <= 0 {
		return nil, fmt.Errorf("window %d and answer %d must both be above 0", r.Context, r.Predict)
	}
	no, yes := false, true
	req := &api.ChatRequest{
		Model:    r.Model,
		Stream:   &yes,
		Truncate: &no,
		Format:   r.Format,
		Options:  maps.Clone(r.Options),
	}
	if req.Options == nil {
		req.Options = map[string]any{}
	}
	req.Options["num_ctx"], req.Options["num_predict"] = r.Context, r.Predict

	if r.System != "" {
		req.Messages = append(req.Messages, api.Message{Role: "system", Content: r.System})
	}
	req.Messages = append(req.Messages, api.Message{Role: "user", Content: r.User})

	switch r.Think.(type) {
	case nil:
	case bool, string:
		req.Think = &api.ThinkValue{Value: r.Think}
	default:
		return nil, fmt.Errorf("think must be a boolean or a word, not %T", r.Think)
	}

	var err error
	req.KeepAlive, err = parseKeepAlive(r.KeepAlive)
	return req, err
}

func parseKeepAlive(s string) (*api.Duration, error) {
	if s == "" {
		return nil, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n > math.MaxInt64/int64(time.Second) {
			return nil, fmt.Errorf(`keep_alive %q must be like "10m", "0", "-1" or a number of seconds`, s)
		}
		d = time.Duration(max(n, -1)) * time.Second
	}
	return &api.Duration{Duration: d}, nil
}

// Result is what a Chat cost and how it ended. The numbers but FirstToken and
// ThinkingTokens are the server's, which come with its last line.
type Result struct {
	PromptTokens, OutputTokens int
	DoneReason                 string // "stop" or "length"
	Load, PromptEval, Eval     time.Duration
	FirstToken                 time.Duration // from the call to the first text
	ThinkingTokens             int           // pieces of reasoning, which onText never gets
}

// Chat asks and calls onText with each piece of the answer as it comes, in
// order, on this goroutine; never after it has returned or after ctx has ended.
// It waits for as long as the server takes: only ctx ends it, or a connection
// that is dead. A slow onText holds back the server.
//
// With an error the Result holds what is known so far, and what onText got
// stands: the caller decides what half an answer is worth. After a cancelled
// Chat that had brought no text yet, call Free.
func (c *Client) Chat(ctx context.Context, r ChatRequest, onText func(string)) (Result, error) {
	var res Result
	req, err := r.wire()
	if err != nil {
		return res, fmt.Errorf("chat %s: %w", r.Model, err)
	}
	if err := c.checkModel("chat", r.Model); err != nil {
		return res, err
	}
	c.mu.Lock()
	c.sent[modelKey(r.Model)] = sent{req.Options, req.KeepAlive}
	c.mu.Unlock()

	start, done := time.Now(), false
	x := &exchange{stream: true}
	err = c.call(ctx, x, "chat", r.Model, func(wireCtx context.Context) error {
		err := c.api.Chat(wireCtx, req, func(a api.ChatResponse) error {
			// What was received before the end of ctx may be many lines.
			if err := ctx.Err(); err != nil {
				return err
			}
			if a.RemoteHost != "" && !c.allowRemote {
				return fmt.Errorf("answered by %s: %w", oneLine(a.RemoteHost), errRemote)
			}
			if a.Message.Thinking != "" {
				res.ThinkingTokens++
			}
			if text := a.Message.Content; text != "" {
				if res.FirstToken == 0 {
					res.FirstToken = time.Since(start)
				}
				onText(text)
			}
			if a.Done {
				done = true
				res.finish(a)
			}
			return nil
		})
		if err == nil && !done {
			err = errIncomplete
		}
		if done {
			err = nil // it was all said; how the connection ended is no matter
		}
		return err
	})
	return res, err
}

func (r *Result) finish(a api.ChatResponse) {
	r.DoneReason = a.DoneReason
	r.PromptTokens, r.OutputTokens = a.PromptEvalCount, a.EvalCount
	r.Load, r.PromptEval, r.Eval = a.LoadDuration, a.PromptEvalDuration, a.EvalDuration
}
