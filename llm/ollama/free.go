package ollama

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/ollama/ollama/api"
)

// Unload takes the model out of the server's memory. A server in the middle of
// somebody's request does it when that one has ended.
func (c *Client) Unload(ctx context.Context, model string) error {
	return c.generate(ctx, "unload", &api.GenerateRequest{
		Model: model, KeepAlive: &api.Duration{Duration: 0},
	})
}

// Preload returns when the model of a Chat is loaded, with the window that the
// request asks for. Run beside that Chat it tells when loading has ended: it
// waits for the load as Chat does, but not for the prompt to be read. It sends
// no text, and leaves keep_alive as it is.
func (c *Client) Preload(ctx context.Context, r ChatRequest) error {
	req, err := r.wire()
	if err != nil {
		return err
	}
	return c.generate(ctx, "preload", &api.GenerateRequest{Model: r.Model, Options: req.Options})
}

// Free is for after a Chat that was cancelled before its first text came, with
// a ctx that has not ended. Some of Ollama's engines go on reading a prompt for
// minutes after the hang-up, and everybody's next request waits for it. Free
// waits for up to a second for the model to be idle, and unloads it when it is
// not. For a model that is not loaded, or that no Chat has used, it does nothing.
//
// What was measured on Ollama 0.17.4 with the llama engine:
//
//   - /api/ps does not tell whether a model is busy. A request for one token does:
//     it is answered in 20 ms, or waits in line for as long as the old prompt is
//     being read. It has to carry the last Chat's options, or it would reload the
//     model. It takes the place of the kept prompt: the next request is read anew
//     (1,057 tokens: 1.3 s instead of 10 ms).
//   - expires_at moves when the last request for a model ends or hangs up, and only
//     then. So when it stays while our own request for one token hangs up, somebody
//     else is using the model, and Free leaves it alone.
//   - Unloading frees the server in 50 ms, and never ends a request that somebody
//     waits for: then the model goes when that one has been answered.
func (c *Client) Free(ctx context.Context, model string) error {
	c.mu.Lock()
	last, ok := c.sent[modelKey(model)]
	c.mu.Unlock()
	if !ok {
		return nil // no Chat of this client can be what keeps it busy
	}
	before, ok, err := c.find(ctx, model)
	if err != nil || !ok {
		return err
	}
	if last.keepAlive != nil && last.keepAlive.Duration == 0 {
		// The hang-up unloads it, and a question could load it again. But a next
		// request that is faster than the server's own hands would keep it busy.
		_, err := c.moved(ctx, before)
		return err
	}

	options := maps.Clone(last.options)
	options["num_predict"] = 1
	probe, cancel := context.WithTimeout(ctx, c.freeWait)
	defer cancel()
	err = c.generate(probe, "free", &api.GenerateRequest{
		Model: model, Prompt: " ", Raw: true, Options: options, KeepAlive: last.keepAlive,
	})
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}

	ours, err := c.moved(ctx, before)
	if err != nil || !ours {
		return err
	}
	c.log.Debug("unload", "model", model, "why", "still busy after the hang-up")
	return c.Unload(ctx, model)
}

// moved tells whether the hang-up that was just made was the last user's: the
// model's time to live begins anew. It returns false as well when the model goes.
// The server needs a moment for either.
func (c *Client) moved(ctx context.Context, before Loaded) (bool, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 15 {
		now, ok, err := c.find(ctx, before.Name)
		if err != nil || !ok || !now.Expires.Equal(before.Expires) {
			return ok && err == nil, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return false, nil
}

func (c *Client) find(ctx context.Context, model string) (Loaded, bool, error) {
	loaded, err := c.Loaded(ctx)
	for _, m := range loaded {
		if modelKey(m.Name) == modelKey(model) {
			return m, true, nil
		}
	}
	return Loaded{}, false, err
}

// generate asks for an answer of one line, and drops it.
func (c *Client) generate(ctx context.Context, op string, req *api.GenerateRequest) error {
	if err := c.checkModel(op, req.Model); err != nil {
		return err
	}
	no, done := false, false
	req.Stream = &no
	return c.call(ctx, &exchange{stream: true}, op, req.Model, func(ctx context.Context) error {
		err := c.api.Generate(ctx, req, func(a api.GenerateResponse) error {
			done = done || a.Done
			return nil
		})
		if err == nil && !done {
			err = errIncomplete
		}
		return err
	})
}
