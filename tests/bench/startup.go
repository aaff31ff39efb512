package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// startup is how much later a Neovim with the plugin has started than one
// without: the median difference of many pairs, by Neovim's own clock.
func (b *bench) startup(ctx context.Context, n often) ([]row, error) {
	home, err := os.MkdirTemp("", "career-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a home: %w", err)
	}
	defer os.RemoveAll(home)
	var added samples
	for range n.start {
		without, err := b.started(ctx, home)
		if err != nil {
			return nil, err
		}
		with, err := b.started(ctx, home, "--cmd", "set rtp^="+b.root)
		if err != nil {
			return nil, err
		}
		added = append(added, with-without)
	}
	return []row{{"start-up added, no command given", fmt.Sprintf("%.1f ms", added.median()), "0.5 ms"}}, nil
}

// started is the time that a Neovim took to start, in milliseconds.
func (b *bench) started(ctx context.Context, home string, more ...string) (float64, error) {
	file := filepath.Join(home, "times")
	defer os.Remove(file)
	args := append(b.plain("--headless", "--startuptime", file), more...)
	cmd := exec.CommandContext(ctx, b.nvim, append(args, "+qa")...)
	cmd.Dir, cmd.Env = home, environment(home)
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("start Neovim: %w: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read its times: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "NVIM STARTED") {
			return strconv.ParseFloat(strings.Fields(line)[0], 64)
		}
	}
	return 0, fmt.Errorf("no start in its times: %s", text)
}

// version is what Neovim calls itself.
func version(nvim string) string {
	out, err := exec.Command(nvim, "--version").Output()
	if err != nil {
		return "a Neovim that tells no version"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}
