package llmtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Stream is an answer to a chat under way. What it writes after the client has
// hung up is lost.
type Stream struct {
	fake    *Fake
	w       http.ResponseWriter
	ctx     context.Context
	model   string
	prompt  int
	written int
	ended   bool
}

type line struct {
	Model     string    `json:"model"`
	CreatedAt time.Time `json:"created_at"`
	Message   said      `json:"message"`
	Done      bool      `json:"done"`
}

type said struct {
	Role     string `json:"role"`
	Content  string `json:"content"`
	Thinking string `json:"thinking,omitempty"`
}

type lastLine struct {
	line
	DoneReason         string        `json:"done_reason"`
	TotalDuration      time.Duration `json:"total_duration"`
	LoadDuration       time.Duration `json:"load_duration"`
	PromptEvalCount    int           `json:"prompt_eval_count"`
	PromptEvalDuration time.Duration `json:"prompt_eval_duration"`
	EvalCount          int           `json:"eval_count"`
	EvalDuration       time.Duration `json:"eval_duration"`
}

// Token sends one token in a line of its own, at once.
func (s *Stream) Token(text string) { s.send(said{Content: text}) }

// Think sends a piece of reasoning.
func (s *Stream) Think(text string) { s.send(said{Thinking: text}) }

// Tokens sends many tokens, a line each, with one write.
func (s *Stream) Tokens(texts []string) {
	all := make([]said, len(texts))
	for i, t := range texts {
		all[i] = said{Content: t}
	}
	s.send(all...)
}

func (s *Stream) send(all ...said) {
	var b bytes.Buffer
	for _, m := range all {
		m.Role = "assistant"
		b.Write(encode(line{Model: s.model, CreatedAt: time.Now().UTC(), Message: m}))
	}
	s.written += len(all)
	s.write(b.Bytes())
}

// Line sends any text as a line.
func (s *Stream) Line(raw string) { s.write([]byte(raw + "\n")) }

// PromptTokens sets the prompt_eval_count of Done.
func (s *Stream) PromptTokens(n int) { s.prompt = n }

// Done ends the answer well: "stop", "length".
func (s *Stream) Done(reason string) {
	n := s.written
	s.write(encode(lastLine{
		line:               line{Model: s.model, CreatedAt: time.Now().UTC(), Message: said{Role: "assistant"}, Done: true},
		DoneReason:         reason,
		TotalDuration:      time.Duration(s.prompt+n+1) * time.Millisecond,
		LoadDuration:       time.Millisecond,
		PromptEvalCount:    s.prompt,
		PromptEvalDuration: time.Duration(s.prompt) * time.Millisecond,
		EvalCount:          n,
		EvalDuration:       time.Duration(n) * time.Millisecond,
	}))
	s.ended = true
}

// End ends the answer as if it were whole, without its last line.
func (s *Stream) End() {
	s.write(nil)
	s.ended = true
}

// Error ends the answer with an error line, as a server does that fails after
// it has begun to write.
func (s *Stream) Error(text string) {
	s.write(encode(map[string]string{"error": text}))
	s.ended = true
}

// Status answers with a status and a body instead of a stream: JSON when it
// begins with a brace. Nothing may have been sent before.
func (s *Stream) Status(code int, body string) {
	contentType := "text/plain"
	if strings.HasPrefix(body, "{") {
		contentType = "application/json; charset=utf-8"
	}
	s.w.Header().Set("Content-Type", contentType)
	s.w.WriteHeader(code)
	fmt.Fprint(s.w, body)
	s.ended = true
}

// Cut closes the connection in the middle of the answer, as the end of the
// server's process does.
func (s *Stream) Cut() {
	s.ended = true
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		s.fake.tb.Errorf("llmtest: cut: %v", err)
		return
	}
	conn.Close()
}

// Wait waits for ch, or for the client to hang up, and then returns false.
func (s *Stream) Wait(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// Hold waits for Fake.Release, or for the client to hang up, and then returns false.
func (s *Stream) Hold() bool { return s.Wait(s.fake.release) }

// WaitGone waits for the client to hang up. The script can then return.
func (s *Stream) WaitGone() { <-s.ctx.Done() }

func (s *Stream) write(b []byte) {
	s.w.Header().Set("Content-Type", "application/x-ndjson")
	s.w.Write(b)
	s.w.(http.Flusher).Flush()
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // these types can't fail
	}
	return append(b, '\n')
}
