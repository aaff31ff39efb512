package ollama

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// parseHost reads an address as Ollama reads OLLAMA_HOST: scheme and port may
// be left out (11434 without a scheme, else 80 or 443), a path is kept. Unlike
// there a wrong port is an error, and the addresses that a server listens on
// everywhere with ("", "0.0.0.0", "::") stand for loopback.
func parseHost(s string) (*url.URL, error) {
	bad := func(why string) (*url.URL, error) {
		return nil, fmt.Errorf("ollama host %q: %s", s, why)
	}

	rest := strings.Trim(strings.TrimSpace(s), `"'`)
	scheme, port := "http", "11434"
	if before, after, ok := strings.Cut(rest, "://"); ok {
		scheme, rest = strings.ToLower(before), after
		switch scheme {
		case "http":
			port = "80"
		case "https":
			port = "443"
		default:
			return bad("the scheme must be http or https")
		}
	}
	if strings.ContainsAny(rest, "@?# \t\r\n") {
		return bad("only scheme, host, port and path can be given")
	}

	rest, path, _ := strings.Cut(rest, "/")
	name := strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	if net.ParseIP(name) == nil && strings.Contains(rest, ":") {
		h, p, err := net.SplitHostPort(rest)
		if err != nil {
			return bad("not a host and a port")
		}
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return bad("the port must be a number from 1 to 65535")
		}
		name, port = h, p
	}

	switch ip := net.ParseIP(name); {
	case name == "":
		name = "127.0.0.1"
	case ip != nil && ip.IsUnspecified():
		name = "127.0.0.1"
		if ip.To4() == nil {
			name = "::1"
		}
	}
	if path = strings.Trim(path, "/"); path != "" {
		path = "/" + path
	}
	return &url.URL{Scheme: scheme, Host: net.JoinHostPort(name, port), Path: path}, nil
}
