package ollama

import "testing"

func TestHostIsReadAsOllamaReadsIt(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing is the default", "", "http://127.0.0.1:11434"},
		{"space around it is dropped", "  127.0.0.1\n", "http://127.0.0.1:11434"},
		{"quotes around it are dropped", `"localhost:11434"`, "http://localhost:11434"},
		{"a host alone gets Ollama's port", "127.0.0.1", "http://127.0.0.1:11434"},
		{"a host with a port keeps it", "localhost:11500", "http://localhost:11500"},
		{"a port alone is on loopback", ":11500", "http://127.0.0.1:11500"},
		{"everywhere means loopback for a client", "0.0.0.0", "http://127.0.0.1:11434"},
		{"everywhere with a port as well", "http://0.0.0.0:8080", "http://127.0.0.1:8080"},
		{"everywhere in IPv6", "[::]:11500", "http://[::1]:11500"},
		{"everywhere in bare IPv6", "::", "http://[::1]:11434"},
		{"an IPv6 address without brackets", "::1", "http://[::1]:11434"},
		{"an IPv6 address in brackets", "[::1]", "http://[::1]:11434"},
		{"an IPv6 address with scheme and port", "http://[::1]:11434", "http://[::1]:11434"},
		{"http alone means port 80", "http://box", "http://box:80"},
		{"https alone means port 443", "https://box", "https://box:443"},
		{"a path is kept", "https://box:8443/ollama/", "https://box:8443/ollama"},
		{"a scheme in capitals", "HTTP://box:1", "http://box:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, err := parseHost(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWrongHostIsRefused(t *testing.T) {
	for _, in := range []string{
		"ftp://box", "box:port", "box:0", "box:65536", "box:1:2", "user:secret@box:1", "box?x=1", "a b",
	} {
		if u, err := parseHost(in); err == nil {
			t.Errorf("%q became %s", in, u)
		}
		if _, err := New(Config{Host: in, AllowRemote: true}); err == nil {
			t.Errorf("New took %q", in)
		}
	}
}
