package real

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neovim/go-client/nvim"
)

// The versions that everything has to work on, as tests/setup names them.
const (
	Nvim10 = "nvim-0.10" // the oldest one
	Nvim12 = "nvim-0.12" // the newest one
)

// Versions is for tests that run once on each. Not to be changed.
var Versions = [...]string{Nvim10, Nvim12}

// The size of the screen that Nvim attaches.
const (
	Columns = 100
	Rows    = 30
)

// Editor is a running Neovim. Its methods beside the API's fail the test where
// the API's return an error; they are for the test's own goroutine.
type Editor struct {
	*nvim.Nvim
	Home string // its HOME, empty at the start; XDG folders are config, data, state and cache in it

	tb  testing.TB
	log *journal
}

// Args adds arguments to Neovim's command line.
func Args(args ...string) Option {
	return func(o *options) { o.args = append(o.args, args...) }
}

// NoUI starts Neovim with --headless and attaches no screen.
func NoUI() Option {
	return func(o *options) { o.noUI = true }
}

// Nvim starts a Neovim of that version with the built program and the plugin,
// as a user's would start who has the plugin and nothing else: its files are
// sourced by Neovim itself. It ends with the test. A failed test shows its
// messages and career.log.
//
// OLLAMA_HOST is an address where nothing listens, so that no test talks to a
// server of the user's own: name the right one with Env.
func Nvim(tb testing.TB, version string, opts ...Option) *Editor {
	tb.Helper()
	Build(tb)
	bin, err := setup(version)
	if err != nil {
		tb.Fatal(err)
	}
	home, err := os.MkdirTemp("", "career-nvim-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { remove(tb, home) })

	o := apply(opts)
	e := &Editor{Home: home, tb: tb, log: &journal{}}
	e.Nvim, err = nvim.NewChildProcess(
		nvim.ChildProcessCommand(bin),
		nvim.ChildProcessArgs(arguments(Root(tb), o)...),
		nvim.ChildProcessDir(home),
		nvim.ChildProcessEnv(append(environment(home, "TERM=xterm-256color", "OLLAMA_HOST=http://127.0.0.1:1"), o.env...)),
		nvim.ChildProcessLogf(e.log.addf),
	)
	if err != nil {
		tb.Fatalf("start %s: %v", version, err)
	}
	tb.Cleanup(e.close)
	e.begin(o)
	return e
}

func arguments(root string, o options) []string {
	path := strings.NewReplacer(`\`, `\\`, ",", `\,`, "'", "''").Replace(root)
	args := []string{"--embed", "--clean", "-n", "--cmd", fmt.Sprintf("let &runtimepath = '%s,' . &runtimepath", path)}
	if o.noUI {
		args = append(args, "--headless")
	}
	return append(args, o.args...)
}

// begin attaches the screen, which Neovim waits for before it reads any file,
// and waits until it has read all.
func (e *Editor) begin(o options) {
	e.tb.Helper()
	if !o.noUI {
		if err := e.RegisterHandler("redraw", func(...[]any) {}); err != nil {
			e.tb.Fatal(err)
		}
		err := e.AttachUI(Columns, Rows, map[string]any{"rgb": true, "ext_linegrid": true})
		if err != nil {
			e.tb.Fatalf("attach a screen: %v", err)
		}
	}
	Eventually(e.tb, 10*time.Second, "Neovim to start", func() bool {
		var entered int
		return e.VVar("vim_did_enter", &entered) == nil && entered == 1
	})
}

func (e *Editor) close() {
	if e.tb.Failed() {
		e.tb.Logf("Neovim's messages:\n%s", e.lastMessages())
		e.tb.Logf("career.log:\n%s", tail(filepath.Join(e.Home, "state", "nvim", "career.log"), 60))
		e.tb.Logf("the client's log:\n%s", e.log)
	}
	_ = e.Close() // a test may have ended it
}

// lastMessages asks an editor that may hang or be gone.
func (e *Editor) lastMessages() string {
	got := make(chan string, 1)
	go func() {
		text, err := e.Exec("messages", true)
		if err != nil {
			text = err.Error()
		}
		got <- text
	}()
	select {
	case text := <-got:
		return text
	case <-time.After(2 * time.Second):
		return "(it does not answer)"
	}
}

// Ex runs an Ex command.
func (e *Editor) Ex(command string) {
	e.tb.Helper()
	if err := e.Command(command); err != nil {
		e.tb.Fatalf(":%s: %v", command, err)
	}
}

// Lua runs a chunk with args as its `...` and decodes what it returns into
// result, a pointer or nil.
func (e *Editor) Lua(chunk string, result any, args ...any) {
	e.tb.Helper()
	if err := e.ExecLua(chunk, result, args...); err != nil {
		e.tb.Fatalf("Lua %s: %v", chunk, err)
	}
}

// Text is a buffer's whole text, its lines joined by \n; 0 is the current buffer.
func (e *Editor) Text(buffer nvim.Buffer) string {
	e.tb.Helper()
	lines, err := e.BufferLines(buffer, 0, -1, false)
	if err != nil {
		e.tb.Fatalf("read buffer %d: %v", buffer, err)
	}
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = string(l)
	}
	return strings.Join(text, "\n")
}

// Messages is what :messages shows.
func (e *Editor) Messages() string {
	e.tb.Helper()
	text, err := e.Exec("messages", true)
	if err != nil {
		e.tb.Fatalf(":messages: %v", err)
	}
	return text
}

// remove takes a folder away that a process just ended may still write to.
func remove(tb testing.TB, dir string) {
	if !poll(2*time.Second, func() bool { return os.RemoveAll(dir) == nil }) {
		tb.Logf("%s could not be removed", dir)
	}
}

// journal keeps what go-client has to say: a test's own log must not be used
// once the test is over.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) addf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(&j.text, format+"\n", args...)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
