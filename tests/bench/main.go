// Command bench measures what career.nvim costs its user: a real Neovim with a
// screen, the built program and a fake Ollama server that streams numbered
// tokens as fast as it can, side by side with a loop in Go that only reads the
// same stream.
//
//	go run ./tests/bench [-quick] [-readme]
//
// It prints a table. Nothing here fails for being slow; a text that is not
// exactly what the server wrote does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string, out, errs io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(errs)
	root := flags.String("root", ".", "the repository's folder")
	nvim := flags.String("nvim", "", "Neovim to measure in (the one of tests/setup nvim-0.12 without it)")
	quick := flags.Bool("quick", false, "measure each thing a few times only")
	readme := flags.Bool("readme", false, "put the table into README.md as well")
	only := flags.String("only", "", "rows to measure, by their first words, parted by commas (all without it)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	b, err := prepare(ctx, *root, *nvim, errs)
	if err != nil {
		return err
	}
	rows, err := b.measure(ctx, *quick, *only)
	if err != nil {
		return err
	}
	table := markdown(rows, machine(b.nvim))
	fmt.Fprint(out, table)
	if *readme {
		return rewrite(filepath.Join(b.root, "README.md"), table)
	}
	return nil
}

// bench is what all rows are measured with.
type bench struct {
	root string // of the repository, absolute
	nvim string
	log  io.Writer
}

// prepare builds the program and finds a Neovim.
func prepare(ctx context.Context, root, nvim string, log io.Writer) (*bench, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("find the repository: %w", err)
	}
	if _, err := command(ctx, root, log, "go", "build", "-o", filepath.Join("bin", "career"), "."); err != nil {
		return nil, err
	}
	if nvim == "" {
		if nvim, err = command(ctx, root, log, filepath.Join(root, "tests", "setup"), "nvim-0.12"); err != nil {
			return nil, err
		}
	}
	return &bench{root: root, nvim: nvim, log: log}, nil
}

func command(ctx context.Context, dir string, log io.Writer, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, log
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("run %s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
