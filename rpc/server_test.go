package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/neovim/go-client/msgpack/rpc"

	"career.nvim/llm"
	"career.nvim/llm/llmtest"
)

const patience = 10 * time.Second

// neovim is the editor's end of a channel to a server.
type neovim struct {
	*rpc.Endpoint
	t      *testing.T
	s      *Server
	events chan delivered
	client chan []any // arguments of nvim_set_client_info
	served chan error
	hang   func()
}

type delivered struct {
	id   int
	kind string
	text string
	data map[string]any
}

// edit starts a server with an editor. refuse, if any, says which events the
// editor answers with an error.
func edit(t *testing.T, refuse func(delivered) error) *neovim {
	t.Helper()
	ours, theirs := net.Pipe()
	log := slog.New(slog.DiscardHandler)
	svc := llm.New(llm.Options{})
	s, err := New(ours, ours, ours, svc, "1.2.3", log)
	if err != nil {
		t.Fatal(err)
	}
	e, err := rpc.NewEndpoint(theirs, theirs, theirs, rpc.WithLogf(func(string, ...any) {}))
	if err != nil {
		t.Fatal(err)
	}
	n := &neovim{Endpoint: e, t: t, s: s, events: make(chan delivered, 1000), client: make(chan []any, 1), served: make(chan error, 1)}
	e.Register("nvim_set_client_info", func(args ...any) error { n.client <- args; return nil })
	e.Register("nvim_exec_lua", func(code string, args []any) (float64, error) {
		d := delivered{id: int(args[0].(int64)), kind: args[1].(string), text: args[2].(string)}
		d.data, _ = args[3].(map[string]any)
		n.events <- d
		if refuse != nil {
			return 0, refuse(d)
		}
		return 0, nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	n.hang = cancel
	gone := make(chan struct{})
	go func() { e.Serve(); close(gone) }()
	go func() { n.served <- s.Serve(ctx); close(n.served) }()
	t.Cleanup(func() {
		e.Close()
		n.ended()
		<-gone
		svc.Close()
	})
	return n
}

// ended waits for Serve to return.
func (n *neovim) ended() error {
	n.t.Helper()
	select {
	case err := <-n.served:
		return err
	case <-time.After(patience):
		n.t.Fatal("the server did not end")
		return nil
	}
}

func (n *neovim) next() delivered {
	n.t.Helper()
	select {
	case d := <-n.events:
		return d
	case <-time.After(patience):
		n.t.Fatal("no event came")
		return delivered{}
	}
}

// last returns a job's last event, and the text of all.
func (n *neovim) last(id int) (delivered, string) {
	n.t.Helper()
	var text strings.Builder
	for {
		d := n.next()
		if d.id != id {
			n.t.Fatalf("an event of job %d, want only those of %d: %+v", d.id, id, d)
		}
		text.WriteString(d.text)
		if d.kind == eventDone || d.kind == eventCancelled || d.kind == eventFailed {
			return d, text.String()
		}
	}
}

// try asks, and gives up with the test when no answer comes.
func (n *neovim) try(method string, args ...any) (answer any, err error) {
	n.t.Helper()
	select {
	case c := <-n.Go(method, nil, &answer, args...).Done:
		return answer, c.Err
	case <-time.After(patience):
		n.t.Fatalf("%s was not answered", method)
		return nil, nil
	}
}

func (n *neovim) call(method string, args ...any) any {
	n.t.Helper()
	answer, err := n.try(method, args...)
	if err != nil {
		n.t.Fatalf("%s: %v", method, err)
	}
	return answer
}

func TestHandshakeIntroducesTheProgram(t *testing.T) {
	n := edit(t, nil)
	got := n.call("hello")
	want := map[string]any{"protocol": int64(Protocol), "version": "1.2.3"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	select {
	case args := <-n.client:
		attributes := args[4].(map[string]any)
		if args[0] != "career.nvim" || args[2] != "plugin" || attributes["version"] != "1.2.3" {
			t.Errorf("got %v", args)
		}
	default:
		t.Error("the editor does not know the client when the handshake is over")
	}
}

func TestJobEndsInExactlyOneLastEvent(t *testing.T) {
	wait := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, tt := range []struct {
		name   string
		do     work
		stop   bool
		kind   string
		text   string
		data   string // stands in the error or the notice
		result any
	}{
		{"done", func(_ context.Context, out llm.Out) (any, llm.Stats, error) {
			out.Text("a")
			out.Text("b")
			return "result", llm.Stats{Model: "tiny", Notice: "note"}, nil
		}, false, eventDone, "ab", "note", "result"},
		{"failed, with the text so far", func(_ context.Context, out llm.Out) (any, llm.Stats, error) {
			out.Text("half")
			return nil, llm.Stats{Model: "tiny"}, errors.New("oh")
		}, false, eventFailed, "half", "unexpected", nil},
		{"a panic is a failure", func(_ context.Context, out llm.Out) (any, llm.Stats, error) {
			out.Text("half")
			panic("oh")
		}, false, eventFailed, "half", "unexpected", nil},
		{"a panic with an error is one, too", func(context.Context, llm.Out) (any, llm.Stats, error) {
			var none map[string]int
			none["x"] = 1
			return nil, llm.Stats{}, nil
		}, false, eventFailed, "", "unexpected", nil},
		{"cancelled, with the text so far", func(ctx context.Context, out llm.Out) (any, llm.Stats, error) {
			out.Text("half")
			return nil, llm.Stats{Model: "tiny"}, wait(ctx)
		}, true, eventCancelled, "half", "", nil},
		{"done although it was stopped, as all was said", func(ctx context.Context, out llm.Out) (any, llm.Stats, error) {
			wait(ctx)
			out.Text("all")
			return nil, llm.Stats{}, nil
		}, true, eventDone, "all", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := edit(t, nil)
			if err := n.s.start(1, "test", tt.do); err != nil {
				t.Fatal(err)
			}
			if tt.stop {
				n.call("stop", 1)
			}
			d, text := n.last(1)
			said, _ := d.data["error"].(string)
			if s, ok := d.data["notice"].(string); ok {
				said = s
			}
			if d.kind != tt.kind || text != tt.text || !strings.Contains(said, tt.data) || !reflect.DeepEqual(d.data["result"], tt.result) {
				t.Errorf("got %+v with the text %q", d, text)
			}
			if len(said) > 160 || strings.Contains(said, "\n") || strings.Contains(said, "goroutine") {
				t.Errorf("the user reads %q", said)
			}
			if _, ok := d.data["stats"].(map[string]any); !ok {
				t.Errorf("no stats in %v", d.data)
			}
			// The id is free again, and nothing more came of the first job.
			if err := n.s.start(1, "test", func(context.Context, llm.Out) (any, llm.Stats, error) { return 2, llm.Stats{}, nil }); err != nil {
				t.Fatal(err)
			}
			if d := n.next(); d.kind != eventDone || d.data["result"] != int64(2) {
				t.Errorf("after the end came %+v", d)
			}
		})
	}
}

func TestStopOfWhatDoesNotRunIsHarmless(t *testing.T) {
	n := edit(t, nil)
	if got := n.call("stop", 77); got != true {
		t.Errorf("got %v", got)
	}
	n.call("hello")
}

func TestIDOfARunningJobIsRefused(t *testing.T) {
	n := edit(t, nil)
	hold := func(ctx context.Context, _ llm.Out) (any, llm.Stats, error) {
		<-ctx.Done()
		return nil, llm.Stats{}, ctx.Err()
	}
	if err := n.s.start(1, "test", hold); err != nil {
		t.Fatal(err)
	}
	if _, err := n.try("check", 1, map[string]any{}); err == nil || !strings.Contains(err.Error(), "running") {
		t.Errorf("got %v", err)
	}
	n.call("stop", 1)
	if d, _ := n.last(1); d.kind != eventCancelled {
		t.Errorf("the first job ended with %+v", d)
	}
}

func TestEditorThatFailsOverAFrameHearsOfTheEnd(t *testing.T) {
	n := edit(t, func(d delivered) error {
		if d.kind == eventText {
			return errors.New("E21: Cannot make changes")
		}
		return nil
	})
	cancelled := make(chan struct{})
	err := n.s.start(1, "test", func(ctx context.Context, out llm.Out) (any, llm.Stats, error) {
		out.Text("a")
		<-ctx.Done()
		close(cancelled)
		out.Text("b")
		return nil, llm.Stats{Model: "tiny"}, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	d, _ := n.last(1)
	said, _ := d.data["error"].(string)
	if d.kind != eventFailed || !strings.Contains(said, "Neovim") || d.text != "" {
		t.Errorf("got %+v", d)
	}
	if stats := d.data["stats"].(map[string]any); stats["model"] != "tiny" {
		t.Errorf("stats are %v", stats)
	}
	<-cancelled
	n.call("hello")
}

func TestClosedChannelEndsAllJobs(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*neovim)
	}{
		{"the editor closes it", func(n *neovim) { n.Close() }},
		{"the program is told to end", func(n *neovim) { n.hang() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := edit(t, nil)
			over := make(chan struct{}, 3)
			for id := range 3 {
				n.s.start(id, "test", func(ctx context.Context, out llm.Out) (any, llm.Stats, error) {
					out.Text("a")
					<-ctx.Done()
					over <- struct{}{}
					return nil, llm.Stats{}, ctx.Err()
				})
			}
			for range 3 {
				n.next()
			}
			tt.end(n)
			if err := n.ended(); err != nil {
				t.Errorf("got %v", err)
			}
			if len(over) != 3 {
				t.Errorf("%d jobs have ended, want 3", len(over))
			}
		})
	}
}

func TestWrongParametersAreAnsweredWithAnError(t *testing.T) {
	n := edit(t, nil)
	for _, tt := range []struct {
		name   string
		method string
		args   []any
	}{
		{"no such method", "nothing", nil},
		{"a word for an id", "stop", []any{"one"}},
		{"a list for the parameters", "summarize", []any{1, []any{1, 2}}},
		{"a number for the parameters", "summarize", []any{1, 7}},
		{"a number for the text", "summarize", []any{1, map[string]any{"note": map[string]any{"text": 7}, "style": "brief"}}},
		{"a list for the options", "check", []any{1, map[string]any{"options": []any{"a"}, "host": "x"}}},
		{"a word for the window", "models", []any{1, map[string]any{"context": "8k", "model": "tiny"}}},
		{"a table for the model", "choose", []any{1, map[string]any{"name": map[string]any{}}}},
		{"numbers for the folders", "styles", []any{map[string]any{"prompts": []any{1, 2}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := n.try(tt.method, tt.args...); err == nil {
				t.Error("no error")
			}
			if got := n.call("hello"); got == nil {
				t.Error("the program does not go on")
			}
			<-n.client
		})
	}
	if len(n.events) != 0 {
		t.Errorf("a job was started: %+v", n.next())
	}
}

func TestSummaryGoesOverTheWire(t *testing.T) {
	f := llmtest.New(t)
	f.Say("- o", "ne", "\n- two")
	n := edit(t, nil)
	got := n.call("summarize", 5, map[string]any{
		"settings": map[string]any{"host": f.URL, "model": "tiny", "context": 4096, "keep_alive": "5m", "think": false,
			"options": map[string]any{"temperature": 0.5, "seed": 7}, "prompts": []string{}},
		"note":  map[string]any{"text": "We shipped it on Monday.\n", "line": 3, "name": "a.md", "filetype": "markdown"},
		"style": "lessons",
	})
	if got != true {
		t.Errorf("got %v", got)
	}
	d, text := n.last(5)
	if d.kind != eventDone || text != "- one\n- two" {
		t.Errorf("got %+v with the text %q", d, text)
	}
	stats := d.data["stats"].(map[string]any)
	for key, want := range map[string]string{"model": "tiny", "requests": "1", "parts": "1", "output_tokens": "3", "context": "8192"} {
		if got := fmt.Sprint(stats[key]); got != want {
			t.Errorf("stats.%s is %s, want %s", key, got, want)
		}
	}
	if c := f.Await("/api/chat", 1).Chat; c.Options["temperature"] != 0.5 || c.Options["seed"] != 7.0 || c.KeepAlive != "5m0s" {
		t.Errorf("sent %+v", c)
	}
}

func TestModelsAreListedAndChosenOverTheWire(t *testing.T) {
	f := llmtest.New(t)
	n := edit(t, nil)
	settings := map[string]any{"host": f.URL}
	n.call("choose", 1, map[string]any{"settings": settings, "name": "tiny"})
	if d, _ := n.last(1); d.kind != eventDone || d.data["result"] != "tiny" {
		t.Errorf("got %+v", d)
	}
	n.call("models", 2, settings)
	d, _ := n.last(2)
	list, _ := d.data["result"].([]any)
	if len(list) != 1 {
		t.Fatalf("got %+v", d)
	}
	if m := list[0].(map[string]any); m["name"] != "tiny:latest" || m["chosen"] != true || fmt.Sprint(m["context"]) != "32768" {
		t.Errorf("got %v", m)
	}
	n.call("check", 3, settings)
	d, _ = n.last(3)
	for _, finding := range d.data["result"].([]any) {
		if m := finding.(map[string]any); m["level"] == "error" || m["text"] == "" {
			t.Errorf("got %v", m)
		}
	}
	got := n.call("styles", settings)
	if want := []any{"brief", "lessons", "outline", "timeline"}; !reflect.DeepEqual(got, want) {
		t.Errorf("styles are %v, want %v", got, want)
	}
}
