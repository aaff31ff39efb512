// Package real gives tests the real things to run against: a Neovim of a named
// version, an Ollama server with tests/tinymodel's models, the built program.
//
// Each is got by tests/setup on first use, which may take minutes. What can't
// be had fails the test. Nothing of the user's own is used or changed: home
// folders are empty, servers are private, proxies are left out.
//
//	server := real.Ollama(t)
//	for _, version := range real.Versions {
//		editor := real.Nvim(t, version, real.Env("OLLAMA_HOST="+server.URL))
//		editor.Ex("CareerSummarize")
//		real.Eventually(t, time.Minute, "the summary", func() bool { … })
//	}
package real

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Option changes what Ollama or Nvim starts.
type Option func(*options)

type options struct {
	env  []string
	args []string
	noUI bool
}

func apply(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Env adds settings (NAME=value) to the environment of what is started, which
// has little of the test's own.
func Env(settings ...string) Option {
	return func(o *options) { o.env = append(o.env, settings...) }
}

// Eventually asks ok again and again until it says yes, and fails the test when
// it has not within the time given; what is what was waited for.
func Eventually(tb testing.TB, within time.Duration, what string, ok func() bool) {
	tb.Helper()
	if !poll(within, ok) {
		tb.Fatalf("waited %v in vain for %s", within, what)
	}
}

func poll(within time.Duration, ok func() bool) bool {
	end := time.NewTimer(within)
	defer end.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-end.C:
			return ok()
		}
	}
	return true
}

// Root is the folder of the repository.
func Root(tb testing.TB) string {
	tb.Helper()
	dir, err := root()
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

func root() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module career.nvim\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no folder above %s has career.nvim's go.mod", start)
		}
	}
}

// setup is the path of one of tests/setup's things, got if need be.
func setup(thing string) (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(filepath.Join(dir, "tests", "setup"), thing)
	cmd.Stderr = os.Stderr // what takes minutes should be seen
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("tests/setup %s: %w", thing, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build is a package variable because a process builds the program once.
var build = sync.OnceValues(buildProgram)

// Build builds the program to where Neovim looks for it and returns its path.
// Without a main.go it does nothing, and the path names no file.
func Build(tb testing.TB) string {
	tb.Helper()
	bin, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return bin
}

func buildProgram() (string, error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "bin", "career")
	if _, err := os.Stat(filepath.Join(dir, "main.go")); errors.Is(err, fs.ErrNotExist) {
		return bin, nil
	}
	// Tests of several packages are several processes.
	unlock, err := lock(filepath.Join(dir, "bin", ".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", bin, err, out)
	}
	return bin, nil
}

func lock(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// environment is what every program started here gets: of the test's own only
// what says where programs are and who runs them, and a home of its own.
func environment(home string, more ...string) []string {
	env := []string{
		"HOME=" + home,
		"LANG=C.UTF-8",
		"XDG_CONFIG_HOME=" + filepath.Join(home, "config"),
		"XDG_DATA_HOME=" + filepath.Join(home, "data"),
		"XDG_STATE_HOME=" + filepath.Join(home, "state"),
		"XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
	}
	for _, name := range []string{"PATH", "TMPDIR", "USER", "LOGNAME", "SHELL", "TZ", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, more...)
}

// tail is the end of a file, for a test's log.
func tail(path string, lines int) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
