package plugin

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/neovim/go-client/msgpack/rpc"
)

const patience = 10 * time.Second

// terminal is a writer for several goroutines.
type terminal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *terminal) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *terminal) Close() error { return nil }

func (w *terminal) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// run gives the program an input that has ended already.
func run(args ...string) (status int, out, errs string) {
	var o, e terminal
	status = Main(args, io.NopCloser(strings.NewReader("")), &o, &e)
	return status, o.String(), e.String()
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		out    string
		errs   string
	}{
		{"the version is printed", []string{"-version"}, 0, "career " + Version() + "\n", ""},
		{"help names the flags", []string{"-h"}, 0, "", "-log-level"},
		{"an unknown flag is named", []string{"-nothing"}, 2, "", "-nothing"},
		{"an unknown level is told, and another used", []string{"-log-level", "loud"}, 0, "", "loud"},
		{"nothing is said when all is well", nil, 0, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, out, errs := run(tt.args...)
			if status != tt.status || out != tt.out || !strings.Contains(errs, tt.errs) || tt.errs == "" && errs != "" {
				t.Errorf("got %d, %q and %q", status, out, errs)
			}
		})
	}
}

func TestLogIsTheUsersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log", "career.log")
	if status, _, errs := run("-log", path, "-log-level", "loud"); status != 0 || errs != "" {
		t.Fatalf("got %d and %q", status, errs)
	}
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has the mode %o, want %o", p, got, want)
		}
	}
	if text, _ := os.ReadFile(path); !strings.Contains(string(text), "level=loud") {
		t.Errorf("the log says %q", text)
	}
}

func TestLogIsBegunAnewWhenItHasGrown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "career.log")
	write := func(size int) {
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o600); err != nil {
			t.Fatal(err)
		}
		run("-log", path, "-log-level", "loud")
	}
	size := func(p string) int64 {
		info, err := os.Stat(p)
		if err != nil {
			return -1
		}
		return info.Size()
	}
	write(1 << 20)
	if got := size(path); got <= 1<<20 || size(path+".old") != -1 {
		t.Errorf("a log of 1 MB was not gone on with: %d bytes, old %d", got, size(path+".old"))
	}
	for range 2 { // the second time over an older one
		write(1<<20 + 1)
		if size(path) > 1000 || size(path+".old") != 1<<20+1 {
			t.Errorf("%d bytes, old %d", size(path), size(path+".old"))
		}
	}
}

func TestLogThatCantBeWrittenIsNoObstacle(t *testing.T) {
	dir := t.TempDir()
	if status, _, errs := run("-log", dir); status != 0 || !strings.Contains(errs, "no log file") {
		t.Errorf("got %d and %q", status, errs)
	}
}

// start runs the program with an editor at the other end of its channel.
func start(t *testing.T) (editor *rpc.Endpoint, ended <-chan int) {
	t.Helper()
	ours, theirs := net.Pipe()
	status := make(chan int, 1)
	var errs terminal
	go func() { status <- Main(nil, ours, ours, &errs) }()
	e, err := rpc.NewEndpoint(theirs, theirs, theirs, rpc.WithLogf(func(string, ...any) {}))
	if err != nil {
		t.Fatal(err)
	}
	e.Register("nvim_set_client_info", func(...any) error { return nil })
	gone := make(chan struct{})
	go func() { e.Serve(); close(gone) }()
	t.Cleanup(func() {
		e.Close()
		<-gone
		if errs.String() != "" {
			t.Errorf("standard error has %q", errs.String())
		}
	})
	var hello map[string]any
	select {
	case c := <-e.Go("hello", nil, &hello).Done:
		if c.Err != nil || hello["version"] != Version() {
			t.Fatalf("hello: %v, %v", hello, c.Err)
		}
	case <-time.After(patience):
		t.Fatal("hello was not answered")
	}
	return e, status
}

// TestMain lets the test's own binary be the program.
func TestMain(m *testing.M) {
	if os.Getenv("CAREER_BE_THE_PROGRAM") != "" {
		os.Exit(Main(nil, os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// A read of a pipe that is the standard input is not ended by closing it.
func TestSignalEndsAProcessThatWaitsForItsEditor(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), "CAREER_BE_THE_PROGRAM=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watchdog := time.AfterFunc(patience, func() {
		t.Error("it goes on")
		cmd.Process.Kill()
	})
	defer watchdog.Stop()
	// A request that is unknown: once it is answered, the program listens.
	if _, err := in.Write([]byte("\x94\x00\x01\xa1?\x90")); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestProgramEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*rpc.Endpoint)
	}{
		{"when its channel closes", func(e *rpc.Endpoint) { e.Close() }},
		{"when it is told to terminate", func(*rpc.Endpoint) { syscall.Kill(os.Getpid(), syscall.SIGTERM) }},
		{"when the terminal hangs up", func(*rpc.Endpoint) { syscall.Kill(os.Getpid(), syscall.SIGHUP) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			editor, ended := start(t)
			tt.end(editor)
			select {
			case status := <-ended:
				if status != 0 {
					t.Errorf("status %d", status)
				}
			case <-time.After(patience):
				t.Error("it goes on")
			}
		})
	}
}
