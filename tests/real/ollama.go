package real

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Server is a running `ollama serve` with the models tiny, endless and slow.
type Server struct {
	URL string // http://127.0.0.1:PORT
	Log string // path of what it writes
	Pid int    // the leader of a process group that its runners are in as well

	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// Ollama starts a server for one test, which is stopped with it. Its log is
// shown when the test has failed.
func Ollama(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s, err := StartOllama(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the end of Ollama's log:\n%s", s.Tail())
		}
		s.Stop()
	})
	return s
}

// StartOllama starts a server that many tests share, from a TestMain. Stop must
// be called; a server dies with the test's process all the same.
func StartOllama(opts ...Option) (*Server, error) {
	bin, err := setup("ollama")
	if err != nil {
		return nil, err
	}
	models, err := setup("models")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "career-ollama-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, Log: filepath.Join(dir, "log"), done: make(chan struct{})}
	if err := copyModels(models, filepath.Join(dir, "models")); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.start(bin, apply(opts).env); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.await(); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(bin string, env []string) error {
	log, err := os.Create(s.Log)
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(bin, "serve")
	s.cmd.Dir = s.dir
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.Env = append(environment(s.dir,
		"OLLAMA_HOST=127.0.0.1:0", // a free port, told in the log
		"OLLAMA_MODELS="+filepath.Join(s.dir, "models"),
		"OLLAMA_NO_CLOUD=1",
		"CUDA_VISIBLE_DEVICES=-1", "HIP_VISIBLE_DEVICES=-1", "ROCR_VISIBLE_DEVICES=-1", "GGML_VK_VISIBLE_DEVICES=-1",
	), env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start ollama serve: %w", err)
	}
	s.Pid = s.cmd.Process.Pid
	go func() {
		_ = s.cmd.Wait() // how it ended does not matter
		close(s.done)
	}()
	return nil
}

// await waits until the server answers.
func (s *Server) await() error {
	listening := regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)`)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 5 * time.Second}
	ready := poll(time.Minute, func() bool {
		if s.ended() {
			return true
		}
		at := listening.FindStringSubmatch(tail(s.Log, 1000))
		if at == nil {
			return false
		}
		s.URL = "http://" + at[1]
		answer, err := client.Get(s.URL + "/api/version")
		if err != nil {
			return false
		}
		return answer.Body.Close() == nil && answer.StatusCode == http.StatusOK
	})
	if !ready || s.ended() {
		return fmt.Errorf("ollama serve does not answer:\n%s", s.Tail())
	}
	return nil
}

func (s *Server) ended() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// Tail is the end of the server's log.
func (s *Server) Tail() string { return tail(s.Log, 60) }

// Stop ends the server and its runners, and takes its folder away. Stopping
// twice, or after the server was killed, is fine.
func (s *Server) Stop() {
	if !s.ended() {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-s.done:
		case <-time.After(5 * time.Second):
		}
	}
	_ = syscall.Kill(-s.Pid, syscall.SIGKILL) // what is left of its group
	<-s.done
	_ = os.RemoveAll(s.dir)
}

// copyModels copies a folder of models: the large files, which no server ever
// writes to, as hard links where that is possible.
func copyModels(from, to string) error {
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if strings.HasPrefix(d.Name(), "sha256-") && os.Link(path, target) == nil {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("copy the models of %s: %w", from, err)
	}
	return nil
}
