package ollama

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
)

// exchange is what the wire knows of one request. The request's context carries
// it to the transport; it is read when api.Client has returned.
type exchange struct {
	stream      bool // lines are expected, not one body
	status      int  // 0: no answer came
	contentType string
	refusal     []byte // the body's start, when status is 400 or more
	body        *lines
}

type exchangeKey struct{}

// recorder fills in the exchange of each request that goes through it.
type recorder struct{ next http.RoundTripper }

func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.next.RoundTrip(req)
	x, ok := req.Context().Value(exchangeKey{}).(*exchange)
	if err != nil || !ok {
		return resp, err
	}
	x.status, x.contentType = resp.StatusCode, resp.Header.Get("Content-Type")
	body := io.Reader(resp.Body)
	if resp.StatusCode >= http.StatusBadRequest {
		x.refusal, _ = io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		body = io.MultiReader(bytes.NewReader(x.refusal), resp.Body)
	}
	x.body = &lines{Closer: resp.Body, r: bufio.NewReaderSize(body, 32<<10)}
	resp.Body = x.body
	return resp, nil
}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// lines hands on a body line by line, so that line is the one that the reader
// above has stopped at, and keeps the error that the body ended with: nil as
// long as it has not ended, io.EOF when it ended well.
type lines struct {
	io.Closer
	r    *bufio.Reader
	rest []byte // of line, not yet handed on
	line []byte // nil when it is longer than r holds
	err  error
	long bool // the line goes on
}

func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		if l.err != nil {
			return 0, l.err
		}
		var err error
		l.rest, err = l.r.ReadSlice('\n')
		switch {
		case err == bufio.ErrBufferFull:
			l.line, l.long = nil, true
			err = nil
		case l.long:
			l.line, l.long = nil, false
		case len(l.rest) > 0:
			l.line = l.rest
		}
		l.err = err
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	if n == 0 {
		return 0, l.err
	}
	return n, nil
}
