package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// Kind says what went wrong, so that a caller can choose what to tell and to try.
type Kind string

const (
	NotRunning Kind = "not running" // nobody answers at the address
	NotOllama  Kind = "not ollama"  // somebody does, but not as Ollama does
	NotFound   Kind = "not found"   // the server has no such model
	TooLong    Kind = "too long"    // the prompt does not fit the window
	Busy       Kind = "busy"        // the server's queue is full
	Server     Kind = "server"      // the server failed, at once or while writing
	Refused    Kind = "refused"     // the server does not let us (401, 403)
	Cut        Kind = "cut"         // the connection broke
	Incomplete Kind = "incomplete"  // the stream ended well, but without its last line
	Garbage    Kind = "garbage"     // a line that cannot be read
	Remote     Kind = "remote"      // the guard: it would leave this machine
	BadRequest Kind = "bad request" // the server does not understand the request
)

// Error is every failure of a request that was not cancelled. A cancelled
// request gives an error that wraps ctx.Err() and is no *Error.
type Error struct {
	Kind   Kind
	Op     string // "version", "models", "show", "loaded", "chat", "unload", "free"
	Host   string // host and port
	Model  string // "" where the request names none
	Status int    // the HTTP status, 0 when there was none
	Detail string // the server's own words or ours, one line, at most 300 bytes
	Err    error  // the cause, nil when the server's answer is the cause
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Model != "" {
		b.WriteString(" " + e.Model)
	}
	fmt.Fprintf(&b, " at %s: %s", e.Host, e.Kind)
	if e.Status != 0 && e.Status != http.StatusOK {
		fmt.Fprintf(&b, " (%d)", e.Status)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

var (
	errIncomplete = errors.New("the stream ended without its last line")
	errShape      = errors.New("the answer is not Ollama's")
)

// tooLong holds what servers say when truncate is false and the prompt does not
// fit, in lower case. This is the one place that decides by a server's words:
// the status is 400 for other mistakes as well.
var tooLong = []string{
	"input length exceeds the context length",     // 0.12.6 to 0.31: runner/{llama,ollama}runner, errorInputTooLong
	"input length exceeds maximum context length", // up to 0.12: server/routes.go, embeddings
	"input exceeds maximum context length",        // 0.13 to 0.17: server/routes.go, embeddings
	"exceeded max context length",                 // "prompt too long; exceeded max context length by 12 tokens", hosted and MLX models
	"exceeds the available context size",          // since 0.32: llama-server, as JSON inside the error's string
	"exceed_context_size_error",                   // the same one's type
	"prompt is too long",                          // servers that only look like Ollama
}

func isTooLong(words string) bool {
	words = strings.ToLower(words)
	for _, w := range tooLong {
		if strings.Contains(words, w) {
			return true
		}
	}
	return false
}

// explain makes an *Error of what a request ended with. api.Client hides what
// happened on the wire (it takes a cut connection and a line too long for a
// clean end, and an error line looks like rubbish), so x decides, not err.
func (c *Client) explain(ctx context.Context, op, model string, x *exchange, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s at %s: %w", op, c.host, ctx.Err())
	}
	e := &Error{Op: op, Host: c.host, Model: model, Status: x.status}
	switch body := x.body; {
	case errors.Is(err, errRemote):
		e.Kind, e.Err = Remote, err
	case x.status == 0:
		var u *url.Error
		if !errors.As(err, &u) { // nothing was sent
			return fmt.Errorf("%s at %s: %w", op, c.host, err)
		}
		e.Kind, e.Err = unanswered(err), err
	case x.status >= http.StatusBadRequest:
		words, ours := serverWords(x.refusal)
		e.Kind, e.Detail = statusKind(x.status, words, ours), oneLine(words)
	case x.status != http.StatusOK: // a redirect that leads nowhere
		e.Kind, e.Err = NotOllama, err
	case isHTML(x.contentType):
		e.Kind, e.Detail = NotOllama, "a web page"
	case body.err != nil && body.err != io.EOF:
		e.Kind, e.Err = Cut, body.err
	case !x.stream:
		e.Kind, e.Err = NotOllama, err
	case body.err == nil && errors.Is(err, errIncomplete):
		e.Kind, e.Detail = Garbage, "a line longer than can be read"
	case errors.Is(err, errIncomplete):
		e.Kind, e.Err = Incomplete, err
	default:
		// err holds the line itself, which may be the user's text: it goes no
		// further.
		words, ours := serverWords(body.line)
		switch {
		case !ours:
			e.Kind, e.Detail = Garbage, "a line that is not one of Ollama's"
		case isTooLong(words):
			e.Kind, e.Detail = TooLong, oneLine(words)
		default:
			e.Kind, e.Detail = Server, oneLine(words)
		}
	}
	return e
}

// unanswered tells apart why there is no answer at all.
func unanswered(err error) Kind {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns), errors.As(err, &op) && op.Op == "dial":
		return NotRunning
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, net.ErrClosed):
		return Cut
	}
	return NotOllama // malformed HTTP, or TLS where there is none
}

// statusKind takes the server's words, and whether they came as Ollama sends
// them: as JSON with an error in it.
func statusKind(status int, words string, ours bool) Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return Refused
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return Busy
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if !ours { // no such route
			return NotOllama
		}
		if status == http.StatusNotFound {
			return NotFound
		}
	}
	switch {
	case isTooLong(words):
		return TooLong
	case status >= http.StatusInternalServerError:
		return Server
	case status == http.StatusBadRequest:
		return BadRequest
	}
	return Server
}

// serverWords takes the message out of {"error":"…"}, of {"error":{"message":"…"}}
// and, since 0.32, of the latter as a string in the former.
func serverWords(body []byte) (words string, ours bool) {
	var outer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil || len(outer.Error) == 0 {
		return "", false
	}
	if json.Unmarshal(outer.Error, &words) == nil {
		if inner, ok := serverWords([]byte(words)); ok {
			return inner, true
		}
		return words, words != ""
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(outer.Error, &inner) != nil || inner.Message == "" {
		return "", false
	}
	return inner.Message, true
}

func isHTML(contentType string) bool {
	t, _, _ := mime.ParseMediaType(contentType)
	return t == "text/html"
}

// oneLine makes a server's words fit for a message: no control characters, at
// most 300 bytes of whole characters.
func oneLine(s string) string {
	const most = 300
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, ""), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(s) <= most {
		return s
	}
	cut := most - len("…")
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
