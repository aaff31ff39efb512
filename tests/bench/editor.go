package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/creack/pty"
	"github.com/neovim/go-client/nvim"
	"github.com/sourcegraph/conc"
)

//go:embed probe.lua
var probe string

// How long anything may take before the run is given up.
const patience = 30 * time.Second

// editor is a Neovim that draws on a terminal of its own. Call close last.
type editor struct {
	*nvim.Nvim
	terminal *os.File
	cmd      *exec.Cmd
	home     string
	finished chan finished
	wg       conc.WaitGroup
}

// finished is what probe.lua tells at the end of a job.
type finished struct {
	Buffer int    `msgpack:"buf"`
	Status string `msgpack:"status"`
	Error  string `msgpack:"error"`
	First  int64  `msgpack:"first"` // when text came into the buffer first
	Last   int64  `msgpack:"last"`  // and last
}

// edit starts a Neovim as somebody's who has the plugin and nothing else, with a
// note in it.
func (b *bench) edit(host string, follow bool) (*editor, error) {
	home, err := os.MkdirTemp("", "career-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a home: %w", err)
	}
	e := &editor{home: home, finished: make(chan finished, 1)}
	if err := e.start(b, host, follow); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *editor) start(b *bench, host string, follow bool) error {
	file, socket := filepath.Join(e.home, "note.md"), filepath.Join(e.home, "socket")
	if err := os.WriteFile(file, []byte(note()), 0o600); err != nil {
		return fmt.Errorf("write the note: %w", err)
	}
	e.cmd = exec.Command(b.nvim, append(b.plain("--listen", socket), "--cmd", "set rtp^="+b.root, file)...)
	e.cmd.Dir, e.cmd.Env = e.home, environment(e.home, "TERM=xterm-256color", "COLORTERM=truecolor", "OLLAMA_HOST="+host)
	var err error
	if e.terminal, err = pty.StartWithSize(e.cmd, &pty.Winsize{Cols: 120, Rows: 40}); err != nil {
		return fmt.Errorf("start Neovim: %w", err)
	}
	e.wg.Go(func() { _, _ = io.Copy(io.Discard, e.terminal) }) // ends with Neovim
	if err := e.connect(socket); err != nil {
		return err
	}
	if err := e.RegisterHandler("finished", func(f finished) { e.finished <- f }); err != nil {
		return fmt.Errorf("register a handler: %w", err)
	}
	if err := e.ExecLua(probe+"\nbench.install(...)", nil, e.ChannelID(), follow); err != nil {
		return fmt.Errorf("install the probe: %w", err)
	}
	return nil
}

// plain are the arguments of a Neovim without a configuration.
func (b *bench) plain(args ...string) []string { return append([]string{"--clean", "-n"}, args...) }

func environment(home string, more ...string) []string {
	env := []string{"HOME=" + home, "XDG_RUNTIME_DIR=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	for _, name := range []string{"CONFIG", "DATA", "STATE", "CACHE"} {
		env = append(env, fmt.Sprintf("XDG_%s_HOME=%s", name, filepath.Join(home, strings.ToLower(name))))
	}
	return append(env, more...)
}

// connect waits for the socket, and then for Neovim to have read all its files.
func (e *editor) connect(socket string) error {
	err := poll("Neovim to listen", func() (err error) {
		e.Nvim, err = nvim.Dial(socket, nvim.DialLogf(func(string, ...any) {}))
		return err
	})
	if err != nil {
		return err
	}
	return poll("Neovim to start", func() error {
		var entered int
		if err := e.VVar("vim_did_enter", &entered); err != nil || entered == 1 {
			return err
		}
		return errors.New("it reads its files")
	})
}

// poll asks until there is no error any more.
func poll(what string, ask func() error) error {
	end := time.After(patience)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-end:
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// run runs a command in the editor and returns when it began.
func (e *editor) run(command string) (began int64, err error) {
	if err := e.ExecLua("return bench.run(...)", &began, command); err != nil {
		return 0, fmt.Errorf("run :%s: %w", command, err)
	}
	return began, nil
}

// end waits for the end of a job.
func (e *editor) end(ctx context.Context, status string) (finished, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var f finished
	select {
	case f = <-e.finished:
	case <-ctx.Done():
		return f, fmt.Errorf("wait for the end of a job: %w", ctx.Err())
	}
	if f.Status != status {
		return f, fmt.Errorf("a job ended as %s, not %s: %s", f.Status, status, f.Error)
	}
	return f, nil
}

// check says whether a job's text is the one wanted. The result's buffer and
// window are gone afterwards.
func (e *editor) check(f finished, want string) error {
	var got string
	err := e.ExecLua(`
		local text = table.concat(vim.api.nvim_buf_get_lines(..., 0, -1, true), '\n')
		vim.api.nvim_buf_delete(..., { force = true })
		return text`, &got, f.Buffer)
	if err != nil {
		return fmt.Errorf("read the result: %w", err)
	}
	if got != want {
		return fmt.Errorf("the text is not exact: %d bytes, not %d, begins with %.60q", len(got), len(want), got)
	}
	return nil
}

// awaitText waits until the job has brought text into its buffer.
func (e *editor) awaitText() error {
	return poll("text", func() error {
		var begun bool
		if err := e.ExecLua("return bench.begun()", &begun); err != nil || begun {
			return err
		}
		return errors.New("there is none")
	})
}

// pids are those of Neovim and of all that it started: the process that draws on
// the terminal, the editor itself and the program.
func (e *editor) pids() ([]int, error) { return family(e.cmd.Process.Pid) }

// close ends Neovim and removes its home.
func (e *editor) close() error {
	if e.Nvim != nil {
		_ = e.Command("qa!") // its answer is the end of the channel
		_ = e.Nvim.Close()
	}
	if e.terminal != nil {
		kill := time.AfterFunc(patience, func() { _ = e.cmd.Process.Kill() })
		_ = e.cmd.Wait() // its status is no matter
		kill.Stop()
		_ = e.terminal.Close()
		e.wg.Wait()
	}
	return poll("Neovim's home to be free", func() error { return os.RemoveAll(e.home) })
}
