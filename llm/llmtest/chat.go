package llmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"
)

// Chat is the body of /api/chat with the fields that career.nvim may send. Any
// other one fails the test: above all "shift", whose changes reload the model.
type Chat struct {
	Model     string          `json:"model"`
	Messages  []Message       `json:"messages"`
	Stream    *bool           `json:"stream"`
	Truncate  *bool           `json:"truncate"`
	Format    json.RawMessage `json:"format"`
	KeepAlive any             `json:"keep_alive"`
	Think     any             `json:"think"`
	Options   map[string]any  `json:"options"`
}

// Message is one message of a chat.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// System is the content of the system message, "" without one.
func (c Chat) System() string { return c.content("system") }

// User is the content of the user's message.
func (c Chat) User() string { return c.content("user") }

func (c Chat) content(role string) string {
	for _, m := range c.Messages {
		if m.Role == role {
			return m.Content
		}
	}
	return ""
}

// NumCtx is the window asked for.
func (c Chat) NumCtx() int { return int(c.Options["num_ctx"].(float64)) }

// NumPredict is the most tokens of answer asked for.
func (c Chat) NumPredict() int { return int(c.Options["num_predict"].(float64)) }

func parseChat(method string, body []byte) (Chat, error) {
	var c Chat
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, err
	}
	switch {
	case method != http.MethodPost:
		return c, fmt.Errorf("the method is %s", method)
	case c.Stream != nil && !*c.Stream:
		return c, errors.New("stream is false")
	case c.Truncate == nil || *c.Truncate:
		return c, errors.New("truncate is not false: the prompt may be cut")
	}
	users := 0
	for i, m := range c.Messages {
		switch {
		case m.Role == "user":
			users++
		case m.Role != "system" || i > 0:
			return c, fmt.Errorf("message %d has the role %q", i, m.Role)
		}
	}
	if users != 1 {
		return c, fmt.Errorf("%d user messages", users)
	}
	if err := checkKeepAlive(c.KeepAlive); err != nil {
		return c, err
	}
	switch t := c.Think.(type) {
	case nil, bool:
	case string:
		if t != "low" && t != "medium" && t != "high" {
			return c, fmt.Errorf("think is %q", t)
		}
	default:
		return c, fmt.Errorf("think is %v", t)
	}
	return c, checkOptions(c.Options)
}

func checkKeepAlive(v any) (err error) {
	switch v := v.(type) {
	case nil, float64:
	case string:
		_, err = time.ParseDuration(v)
	default:
		err = fmt.Errorf("keep_alive is %v", v)
	}
	return err
}

// optionTypes are those of Ollama's api.Options. A real server ignores a name
// that it doesn't know, which here is taken for a slip of the pen.
var optionTypes = map[string]string{
	"num_ctx": "int", "num_predict": "int", "num_batch": "int", "num_gpu": "int",
	"main_gpu": "int", "num_thread": "int", "use_mmap": "bool", "num_keep": "int",
	"seed": "int", "top_k": "int", "top_p": "float", "min_p": "float",
	"typical_p": "float", "repeat_last_n": "int", "temperature": "float",
	"repeat_penalty": "float", "presence_penalty": "float",
	"frequency_penalty": "float", "stop": "strings",
}

func checkOptions(options map[string]any) error {
	for _, name := range []string{"num_ctx", "num_predict"} {
		if n, ok := options[name].(float64); !ok || n <= 0 {
			return fmt.Errorf("%s is %v", name, options[name])
		}
	}
	for name, v := range options {
		ok := false
		switch optionTypes[name] {
		case "int":
			n, isNumber := v.(float64)
			ok = isNumber && n == math.Trunc(n)
		case "float":
			_, ok = v.(float64)
		case "bool":
			_, ok = v.(bool)
		case "strings":
			var list []any
			list, ok = v.([]any)
			for _, s := range list {
				_, isString := s.(string)
				ok = ok && isString
			}
		}
		if !ok {
			return fmt.Errorf("option %s is %v", name, v)
		}
	}
	return nil
}

func (f *Fake) count(c Chat) int {
	if f.Count != nil {
		return f.Count(c)
	}
	n := 0
	for _, m := range c.Messages {
		n += len(m.Content)
	}
	return n / 4
}

// chat answers with a script. As at a real server, a model that isn't there and a
// prompt that doesn't fit the window are refused without one.
func (f *Fake) chat(w http.ResponseWriter, r *http.Request, req Request) {
	m, ok := f.find(req.Chat.Model)
	if !ok {
		notFound(w, req.Chat.Model)
		return
	}
	tokens := f.count(req.Chat)
	window := req.Chat.NumCtx()
	if m.Context > 0 {
		window = min(window, m.Context)
	}
	if tokens > window {
		reply(w, http.StatusBadRequest, map[string]any{"error": "the input length exceeds the context length"})
		return
	}

	f.mu.Lock()
	script := f.always
	if len(f.queue) > 0 {
		script, f.queue = f.queue[0], f.queue[1:]
	}
	f.load(req.Chat.Model, window)
	f.mu.Unlock()
	if script == nil {
		f.tb.Errorf("llmtest: a chat that no answer is queued for")
		reply(w, http.StatusInternalServerError, map[string]any{"error": "no answer is queued"})
		return
	}
	s := &Stream{fake: f, w: w, ctx: r.Context(), model: req.Chat.Model, prompt: tokens}
	script(s, req)
	if !s.ended && r.Context().Err() == nil {
		f.tb.Errorf("llmtest: a script returned without ending its answer")
	}
}

// watch turns the end of a request's context into a channel that is closed by a
// hang-up only, not by the end of the answer. A handler that has seen the hang-up
// may be faster with finished than the context with its AfterFunc.
func watch(ctx context.Context) (cancelled <-chan struct{}, finished func()) {
	c := make(chan struct{})
	hangUp := sync.OnceFunc(func() { close(c) })
	stop := context.AfterFunc(ctx, hangUp)
	return c, func() {
		if stop(); ctx.Err() != nil {
			hangUp()
		}
	}
}
