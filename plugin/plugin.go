// Package plugin wires the program together: flags, log, server. The editor's
// half of the plugin is career.lua beside it.
package plugin

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"career.nvim/llm"
	"career.nvim/rpc"
)

// Main runs the program on a channel to Neovim, in and out, until the channel
// closes, and returns the exit status.
func Main(args []string, in io.ReadCloser, out io.WriteCloser, errs io.Writer) int {
	flags := flag.NewFlagSet("career", flag.ContinueOnError)
	flags.SetOutput(errs)
	logFile := flags.String("log", "", "file to log to (standard error without it)")
	level := flags.String("log-level", "warn", "debug, info, warn or error")
	state := flags.String("state", "", "folder for what is kept between runs (nothing is kept without it)")
	version := flags.Bool("version", false, "print the version and exit")
	flags.Usage = func() {
		fmt.Fprintln(errs, "career is started by Neovim; see :help career. Its flags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *version {
		fmt.Fprintln(out, "career", Version())
		return 0
	}
	log, closeLog := openLog(*logFile, *level, errs)
	defer closeLog()
	if err := serve(in, out, *state, log); err != nil {
		log.Error("ended", "error", err)
		return 1
	}
	return 0
}

func serve(in io.ReadCloser, out io.WriteCloser, state string, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	svc := llm.New(llm.Options{State: state, Log: log})
	defer svc.Close()
	s, err := rpc.New(in, out, channel{in, out}, svc, Version(), log)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// channel closes both ends.
type channel struct{ in, out io.Closer }

func (c channel) Close() error { return errors.Join(c.in.Close(), c.out.Close()) }

// Version is the version that the program was built from.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// A log that has grown beyond this is begun anew, the old one kept beside it.
const mostLog = 1 << 20

// openLog never fails: what can't be written to a file goes to standard error.
func openLog(path, level string, errs io.Writer) (*slog.Logger, func()) {
	var l slog.Level
	levelErr := l.UnmarshalText([]byte(level))
	w, closeLog := errs, func() {}
	var err error
	if path != "" {
		var f *os.File
		if f, err = appendTo(path); err == nil {
			w, closeLog = f, func() { _ = f.Close() }
		}
	}
	log := slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
	if err != nil {
		log.Warn("no log file", "path", path, "error", err)
	}
	if levelErr != nil {
		log.Warn("log level not known, info is used", "level", level)
	}
	return log, closeLog
}

func appendTo(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make log folder: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Size() > mostLog {
		_ = os.Rename(path, path+".old") // a log too long is better than none
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	return f, nil
}
