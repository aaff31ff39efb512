// Picture makes doc/demo.svg: a film of the plugin at work in a real Neovim, whose
// screen it reads as a terminal would. The program must be built.
//
//	go run ./tests/picture                  the answer comes from a script (answer.md)
//	go run ./tests/picture -host URL        it comes from the Ollama server there
//
// In a viewer that shows no films the picture is the last frame.
package main

import (
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed answer.md
var answer string

// options are the flags.
type options struct {
	host, model, nvim  string
	root, out, colours string
	columns, rows      int
	at                 time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.host, "host", "", "Ollama server to ask (none: the answer comes from a script)")
	flag.StringVar(&o.model, "model", "", "model to ask (none: the server's newest)")
	flag.StringVar(&o.nvim, "nvim", "", "Neovim to run (none: what tests/setup nvim-0.12 gives)")
	flag.StringVar(&o.root, "root", ".", "folder of the repository")
	flag.StringVar(&o.out, "o", "doc/demo.svg", "file to write")
	flag.IntVar(&o.columns, "columns", 118, "width of the screen")
	flag.IntVar(&o.rows, "rows", 31, "height of the screen")
	flag.StringVar(&o.colours, "colours", "retrobox", "colour scheme")
	flag.DurationVar(&o.at, "at", -1, "make a still of this moment, not a film")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	var err error
	if o.root, err = filepath.Abs(o.root); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(o.root, "bin", "career")); err != nil {
		return errors.New("the program is not built: run make first")
	}
	if o.nvim == "" {
		cmd := exec.Command(filepath.Join(o.root, "tests", "setup"), "nvim-0.12")
		cmd.Stderr = os.Stderr
		path, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("get Neovim: %w", err)
		}
		o.nvim = strings.TrimSpace(string(path))
	}
	caption := "A real run; the answer is the model's."
	if o.host == "" {
		s := serveScript(answer)
		defer s.close()
		o.host, o.model = s.fake.URL, scriptModel
		caption = "A real run, but for the answer, which comes from a script. Make it with your own model: go run ./tests/picture -host URL"
	}
	f, err := record(o)
	if err != nil {
		return err
	}
	if f.faster > 1.05 {
		caption += fmt.Sprintf(" Shown %.1f times as fast.", f.faster)
	}
	p := picture{columns: o.columns, rows: o.rows, paper: f.paper, ink: f.ink, caption: caption}
	text := p.film(f)
	if o.at >= 0 {
		text = p.still(f.frameAt(o.at))
	}
	out := o.out
	if !filepath.IsAbs(out) && o.root != "." {
		out = filepath.Join(o.root, out)
	}
	if err := os.WriteFile(out, []byte(text), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d frames, %.1f s, %d KB\n", out, len(f.frames), f.length.Seconds(), len(text)>>10)
	return nil
}
