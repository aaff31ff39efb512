package ollama

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"career.nvim/llm/llmtest"
)

func wantRemote(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != Remote || !errors.Is(err, errRemote) {
		t.Errorf("got %v, want the guard's refusal", err)
	}
}

func TestOnlyLoopbackIsDialled(t *testing.T) {
	tests := []struct {
		address string
		ok      bool
	}{
		{"127.0.0.1:11434", true},
		{"127.8.9.10:80", true},
		{"[::1]:11434", true},
		{"[::ffff:127.0.0.1]:11434", true},
		{"192.168.1.2:11434", false},
		{"0.0.0.0:11434", false},
		{"[::]:11434", false},
		{"[::ffff:192.0.2.1]:11434", false},
		{"[fe80::1%eth0]:11434", false},
		{"203.0.113.9:443", false},
		{"not an address", false},
	}
	for _, tt := range tests {
		if err := onlyLoopback("tcp", tt.address, nil); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.address, err)
		}
	}
}

func TestDiallerChecksTheAddressItConnectsTo(t *testing.T) {
	c := newClient(t, "")
	_, err := c.transport.DialContext(t.Context(), "tcp", "192.0.2.1:11434")
	if !errors.Is(err, errRemote) {
		t.Errorf("got %v", err)
	}
}

// A name says nothing: what it resolves to is checked.
func TestNameThatLeadsElsewhereIsRefused(t *testing.T) {
	c := newClient(t, "ollama.example:11434")
	dial := c.transport.DialContext
	c.transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, "192.0.2.1:11434") // as a resolver would answer
	}
	_, err := c.Version(t.Context())
	wantRemote(t, err)
	_, err = c.Chat(t.Context(), ask("tiny"), ignore)
	wantRemote(t, err)
}

func TestAddressElsewhereIsRefusedAtOnce(t *testing.T) {
	for _, host := range []string{"192.168.1.2", "https://203.0.113.9:443", "[2001:db8::1]:11434", "https://ollama.com"} {
		_, err := New(Config{Host: host})
		wantRemote(t, err)
		if _, err := New(Config{Host: host, AllowRemote: true}); err != nil {
			t.Errorf("%s: refused although allowed: %v", host, err)
		}
	}
}

func TestNameLocalhostWorks(t *testing.T) {
	f := llmtest.New(t)
	c := newClient(t, strings.Replace(f.URL, "127.0.0.1", "localhost", 1))
	if _, err := c.Version(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestProxyOfTheEnvironmentIsIgnored(t *testing.T) {
	proxy := llmtest.New(t)
	for _, name := range []string{"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"} {
		t.Setenv(name, proxy.URL)
	}
	t.Setenv("no_proxy", "")
	f := llmtest.New(t)
	c := newClient(t, f.URL)
	if c.transport.Proxy != nil { // Go itself spares loopback, so this is what tells
		t.Error("the transport asks for a proxy")
	}
	if _, err := c.Version(t.Context()); err != nil || len(proxy.Requests()) != 0 {
		t.Errorf("%v, %d requests through the proxy", err, len(proxy.Requests()))
	}
}

func TestRedirectToAnotherHostIsRefused(t *testing.T) {
	other := llmtest.New(t)
	for _, allow := range []bool{false, true} {
		f := llmtest.New(t)
		f.Handle("/", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		})
		c, err := New(Config{Host: f.URL, AllowRemote: allow})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, err = c.Version(t.Context())
		wantRemote(t, err)
		_, err = c.Chat(t.Context(), ask("tiny"), ignore)
		wantRemote(t, err)
	}
	if n := len(other.Requests()); n != 0 {
		t.Errorf("%d requests reached the other host", n)
	}
}

func TestRedirectOnTheSameHostIsFollowed(t *testing.T) {
	f := llmtest.New(t)
	f.Handle("/api/version", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/v", http.StatusFound)
	})
	f.Handle("/v", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"version":"9"}`) })
	f.Handle("/api/tags", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/api/tags", http.StatusFound)
	})
	c := newClient(t, f.URL)
	if v, err := c.Version(t.Context()); v != "9" || err != nil {
		t.Errorf("got %q, %v", v, err)
	}
	_, err := c.Models(t.Context())
	var e *Error
	if !errors.As(err, &e) || e.Kind != NotOllama {
		t.Errorf("going round in circles: %v", err)
	}
}

func TestCloudNames(t *testing.T) {
	tests := map[string]bool{
		"x:cloud":                       true,
		"gpt-oss:120b-cloud":            true,
		"qwen3-coder:480b-cloud":        true,
		"GPT-OSS:120B-Cloud":            true,
		"x:Cloud ":                      true,
		"x-cloud":                       true,
		"x-cloud:latest":                true,
		"user/x:cloud":                  true,
		"tiny":                          false,
		"cloud":                         false,
		"cloud:7b":                      false,
		"cloudy:7b":                     false,
		"x:cloud9":                      false,
		"x:cloud-free":                  false,
		"wordcloud:latest":              false,
		"hf.co/cloud/x-GGUF:Q4_K_M":     false,
		"registry.example:5000/x/y:7b":  false,
		"registry.example:5000/x:cloud": true,
	}
	for name, want := range tests {
		if got := cloudName(name); got != want {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

func TestCloudModelIsRefusedBeforeAnythingIsSent(t *testing.T) {
	f := llmtest.New(t)
	c := newClient(t, f.URL)
	_, err := c.Chat(t.Context(), ask("gpt-oss:120b-cloud"), ignore)
	wantRemote(t, err)
	wantRemote(t, c.Unload(t.Context(), "x:cloud"))
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestModelThatTheServerCallsRemoteIsRefused(t *testing.T) {
	far := llmtest.Model{Name: "far", Context: 4096, RemoteHost: "https://example.com"}
	learn := map[string]func(*Client) error{
		"from the list":   func(c *Client) error { _, err := c.Models(t.Context()); return err },
		"from being told": func(c *Client) error { _, err := c.Show(t.Context(), "far"); return err },
	}
	for name, learn := range learn {
		t.Run(name, func(t *testing.T) {
			f := llmtest.New(t)
			f.Models = []llmtest.Model{far}
			c := newClient(t, f.URL)
			if err := learn(c); err != nil {
				t.Fatal(err)
			}
			_, err := c.Chat(t.Context(), ask("far:latest"), ignore)
			wantRemote(t, err)

			local := far
			local.RemoteHost = ""
			f.SetModels(local) // pulled since
			if err := learn(c); err != nil {
				t.Fatal(err)
			}
			f.Say("here")
			if _, err := c.Chat(t.Context(), ask("far"), ignore); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnswerFromElsewhereIsDropped(t *testing.T) {
	script := func(w *llmtest.Stream, _ llmtest.Request) {
		w.Line(`{"model":"tiny","remote_model":"big","remote_host":"https://example.com:443","message":{"role":"assistant","content":"Hello"},"done":false}`)
		w.Done("stop")
	}
	f := llmtest.New(t)
	f.Chat(script)
	_, err := newClient(t, f.URL).Chat(t.Context(), ask("tiny"), func(s string) { t.Errorf("got %q", s) })
	wantRemote(t, err)

	f.Chat(script)
	c, err := New(Config{Host: f.URL, AllowRemote: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got string
	if _, err := c.Chat(t.Context(), ask("tiny"), func(s string) { got += s }); err != nil || got != "Hello" {
		t.Errorf("allowed: got %q, %v", got, err)
	}
}

// api.Client signs requests when OLLAMA_AUTH is set, and fails without a key.
func TestRequestsAreNotSigned(t *testing.T) {
	t.Setenv("OLLAMA_AUTH", "1")
	t.Setenv("HOME", t.TempDir())
	f := llmtest.New(t)
	if _, err := newClient(t, f.URL).Version(t.Context()); err != nil {
		t.Error(err)
	}

	t.Setenv("OLLAMA_AUTH", "1")
	c, err := New(Config{Host: f.URL, AllowRemote: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Version(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an allowed remote server wants its signature: %v", err)
	}
}

// A model that is loaded from a slow disk, or a long note on a slow machine,
// keeps the server from sending even its headers. In a bubble all timers that
// there are would run out.
func TestFirstTokenMayComeAfterHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, "")
		c.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				req, err := http.ReadRequest(bufio.NewReader(there))
				if err != nil {
					return
				}
				io.Copy(io.Discard, req.Body)
				<-time.After(3 * time.Hour)
				io.WriteString(there, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"+
					`{"message":{"role":"assistant","content":"At last"},"done":false}`+"\n")
				<-time.After(3 * time.Hour)
				io.WriteString(there, `{"message":{"role":"assistant","content":""},"done":true,"done_reason":"stop"}`+"\n")
			}()
			return here, nil
		}
		var got string
		res, err := c.Chat(t.Context(), ask("tiny"), func(s string) { got += s })
		if err != nil || got != "At last" || res.DoneReason != "stop" || res.FirstToken != 3*time.Hour {
			t.Errorf("got %q, %+v, %v", got, res, err)
		}
	})
}
