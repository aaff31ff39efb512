package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// now is the monotonic clock that vim.uv.hrtime reads too, in nanoseconds.
func now() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		panic(err) // every Linux has it
	}
	return t.Nano()
}

// family is a process and all its descendants.
func family(pid int) ([]int, error) {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		if err != nil {
			return nil, err
		}
		for _, list := range lists {
			children, _ := os.ReadFile(list) // the thread may have ended
			for _, field := range bytes.Fields(children) {
				child, err := strconv.Atoi(string(field))
				if err != nil {
					return nil, fmt.Errorf("read %s: %w", list, err)
				}
				all = append(all, child)
			}
		}
	}
	return all, nil
}

// cpu is the time that processes have computed: what utime and stime of
// /proc/PID/stat add up to, in full resolution.
func cpu(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		// The id of another process's CPU clock, as clock_getcpuclockid makes it.
		clock := int32(^pid)<<3 | 2
		var t unix.Timespec
		if err := unix.ClockGettime(clock, &t); err != nil {
			return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		sum += time.Duration(t.Nano())
	}
	return sum, nil
}

// memory is the bytes that processes hold, with their share of what they have in
// common (PSS).
func memory(pids []int) (int64, error) {
	var sum int64
	for _, pid := range pids {
		file := fmt.Sprintf("/proc/%d/smaps_rollup", pid)
		text, err := os.ReadFile(file)
		if err != nil {
			return 0, fmt.Errorf("read the memory of a process: %w", err)
		}
		_, rest, found := strings.Cut(string(text), "\nPss:")
		fields := strings.Fields(rest)
		if !found || len(fields) == 0 {
			return 0, fmt.Errorf("%s has no Pss", file)
		}
		kb, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", file, err)
		}
		sum += kb << 10
	}
	return sum, nil
}

// machine says what was measured on.
func machine(nvim string) string {
	model := "a CPU of unknown make"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d cores of %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS, version(nvim))
}

// samples are what one thing was measured to be, again and again.
type samples []float64

// quantile is the least sample that a part q of all does not exceed.
func (s samples) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func (s samples) median() float64 { return s.quantile(0.5) }
