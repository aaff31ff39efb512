package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/neovim/go-client/nvim"
)

// Two frames are at least this far apart, a film lasts no longer than that, and
// the last frame stays for a while.
const (
	leastGap    = 100 * time.Millisecond
	mostLength  = 14 * time.Second
	holdLast    = 6 * time.Second
	betweenKeys = 55 * time.Millisecond
	patience    = 10 * time.Minute
)

// frame is the screen at a time, a row of SVG for each row.
type frame struct {
	at   time.Duration
	rows []string
}

type film struct {
	frames     []frame
	length     time.Duration // the last frame's time to stay included
	faster     float64       // than the run was
	ink, paper int
}

func (f *film) frameAt(at time.Duration) frame {
	best := f.frames[0]
	for _, fr := range f.frames {
		if fr.at <= at {
			best = fr
		}
	}
	return best
}

// add takes a frame, in the place of the last one when that came too soon after
// the one before it.
func (f *film) add(fr frame) {
	if n := len(f.frames); n > 1 && fr.at-f.frames[n-2].at < leastGap {
		f.frames[n-1] = fr
		return
	}
	f.frames = append(f.frames, fr)
}

// cut gives the film its length.
func (f *film) cut() {
	end := f.frames[len(f.frames)-1].at
	f.faster = max(1, float64(end)/float64(mostLength))
	for i := range f.frames {
		f.frames[i].at = time.Duration(float64(f.frames[i].at) / f.faster)
	}
	f.length = f.frames[len(f.frames)-1].at + holdLast
}

// What the run shows: the sample note, a statusline with status(), the command
// as it is typed.
const prepare = `
local channel, model, colours = ...
vim.cmd.colorscheme(colours)
vim.o.laststatus = 3
vim.o.ruler = false
vim.o.showcmd = false
vim.o.shortmess = vim.o.shortmess .. 'F'
vim.o.statusline = " %t %= %{v:lua.require'career'.status()} "
vim.wo.linebreak = true
if model ~= '' then vim.g.career = { model = model } end
vim.api.nvim_create_autocmd('User', { pattern = 'CareerFinished', callback = function(ev)
	vim.rpcnotify(channel, 'finished', ev.data.status, ev.data.error or '')
end })`

// record runs the plugin on the sample note and films it.
func record(o options) (*film, error) {
	home, err := os.MkdirTemp("", "career-picture-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	note, err := os.ReadFile(filepath.Join(o.root, "tests", "demo-note.md"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(home, "ines.md"), note, 0o644); err != nil {
		return nil, err
	}
	v, err := nvim.NewChildProcess(
		nvim.ChildProcessCommand(o.nvim),
		nvim.ChildProcessArgs("--embed", "--clean", "-n", "--cmd", "lua vim.opt.runtimepath:prepend(vim.env.CAREER_ROOT)", "ines.md"),
		nvim.ChildProcessDir(home),
		nvim.ChildProcessEnv([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
			"XDG_STATE_HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home,
			"OLLAMA_HOST=" + o.host, "CAREER_ROOT=" + o.root}),
		nvim.ChildProcessLogf(func(string, ...any) {}),
	)
	if err != nil {
		return nil, fmt.Errorf("start Neovim: %w", err)
	}
	defer v.Close()
	f := &film{}
	if err := f.shoot(v, o); err != nil {
		return nil, err
	}
	f.cut()
	return f, nil
}

func (f *film) shoot(v *nvim.Nvim, o options) error {
	ended := make(chan error, 1)
	err := v.RegisterHandler("finished", func(status, why string) {
		if status == "done" {
			ended <- nil
		} else {
			ended <- fmt.Errorf("the summary %s: %s", status, why)
		}
	})
	if err != nil {
		return err
	}
	// Neovim reads its files once a screen is attached; what it shows before the
	// note is no part of the film.
	var begun time.Time
	s := newScreen(o.columns, o.rows, func(s *screen) {
		if begun.IsZero() {
			return
		}
		f.ink, f.paper = s.ink, s.paper
		f.add(frame{time.Since(begun), drawRows(s)})
	})
	if err := v.RegisterHandler("redraw", s.redraw); err != nil {
		return err
	}
	if err := v.AttachUI(o.columns, o.rows, map[string]any{"rgb": true, "ext_linegrid": true}); err != nil {
		return fmt.Errorf("attach a screen: %w", err)
	}
	if err := v.ExecLua(prepare, nil, v.ChannelID(), o.model, o.colours); err != nil {
		return err
	}
	s.mu.Lock()
	begun = time.Now()
	s.mu.Unlock()
	if err := v.Command("redraw!"); err != nil {
		return err
	}
	time.Sleep(700 * time.Millisecond)
	for key := range strings.SplitSeq(":CareerSummarize", "") {
		if _, err := v.Input(key); err != nil {
			return err
		}
		time.Sleep(betweenKeys)
	}
	time.Sleep(300 * time.Millisecond)
	if _, err := v.Input("<CR>"); err != nil {
		return err
	}
	select {
	case err = <-ended:
	case <-time.After(patience):
		err = errors.New("the summary did not end")
	}
	time.Sleep(300 * time.Millisecond) // for the last redraw
	s.mu.Lock()
	defer s.mu.Unlock()
	begun = time.Time{}
	return err
}
