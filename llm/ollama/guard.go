package ollama

// What keeps a note on this machine, in this order:
//
//  1. a model that Ollama would send away is refused by its name, or because
//     the server has called it remote, before anything is sent;
//  2. the dialler looks at the address it is about to connect to, after name
//     resolution, so that no hosts file and no DNS answer can lead elsewhere;
//  3. no proxy is used, whatever the environment says;
//  4. a redirect to another host is not followed;
//  5. an answer line that names a remote host ends the request.
//
// Config.AllowRemote lifts 1, 2 and 5.

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// errRemote is below every error of the guard.
var errRemote = errors.New("would leave this machine")

// newTransport waits without an end for the first byte of an answer: Ollama
// sends its headers with the first token, and loading a model and reading a
// long note take minutes. TCP keep-alive ends what is really dead, after a
// minute.
func newTransport(allowRemote bool) *http.Transport {
	d := &net.Dialer{
		Timeout: 5 * time.Second,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable:   true,
			Idle:     15 * time.Second,
			Interval: 15 * time.Second,
			Count:    3,
		},
	}
	if !allowRemote {
		d.Control = onlyLoopback
	}
	return &http.Transport{
		Proxy:               nil,
		DialContext:         d.DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     90 * time.Second,
	}
}

// onlyLoopback is called by the dialler with the address that it has resolved.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !ap.Addr().IsLoopback() {
		return fmt.Errorf("%s is not a loopback address: %w", address, errRemote)
	}
	return nil
}

func sameHost(req *http.Request, via []*http.Request) error {
	if first := via[0].URL; req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		return fmt.Errorf("redirect from %s to %s: %w", first.Host, req.URL.Host, errRemote)
	}
	if len(via) > 3 {
		return errors.New("too many redirects")
	}
	return nil
}

// cloudName tells whether Ollama may send requests for the model away because
// of its name: the tag is "cloud" or ends in "-cloud". Newer servers strip this
// even when there is no such model here. A "-cloud" before the tag is refused as
// well: "x-cloud" and "x-cloud:latest" are one model, and a local one that is
// called so is rare, which a note that has left the machine is not worth.
func cloudName(model string) bool {
	for i, part := range strings.Split(strings.ToLower(model), ":") {
		part = strings.TrimSpace(part)
		if strings.HasSuffix(part, "-cloud") || i > 0 && part == "cloud" {
			return true
		}
	}
	return false
}

// modelKey is one spelling for one model.
func modelKey(model string) string {
	return strings.TrimSuffix(strings.ToLower(strings.TrimSpace(model)), ":latest")
}

// noteRemote remembers what the server said about a model.
func (c *Client) noteRemote(model string, remote bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if remote {
		c.remote[modelKey(model)] = true
	} else {
		delete(c.remote, modelKey(model))
	}
}

// checkModel is the guard's first line: it does no I/O.
func (c *Client) checkModel(op, model string) error {
	c.mu.Lock()
	known := c.remote[modelKey(model)]
	c.mu.Unlock()
	if c.allowRemote || !known && !cloudName(model) {
		return nil
	}
	return &Error{Kind: Remote, Op: op, Host: c.host, Model: model,
		Detail: "it is a cloud model", Err: errRemote}
}
