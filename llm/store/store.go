// Package store keeps what is worth keeping between runs: the model that the
// user chose and the token ratios learnt for each model. It never keeps a word
// of a note. Start with Open; nothing needs to be called last.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"sync"
)

// Ratio is how many tokens a model makes of text; 0 is unknown.
type Ratio struct {
	ASCII float64 `json:"ascii,omitempty"` // tokens for a piece of ASCII text
	Other float64 `json:"other,omitempty"` // tokens for a byte of other text
}

type content struct {
	Model  string           `json:"model,omitempty"`
	Ratios map[string]Ratio `json:"ratios,omitempty"` // by the model's digest
}

// Store is safe for several goroutines. Several processes may share a folder:
// each change is made to what the file holds at that moment.
type Store struct {
	path string // "": memory only
	log  *slog.Logger

	mu     sync.Mutex
	memory content          // what there is when path is ""
	learnt map[string]Ratio // this process's own, newer than the file's
}

// Open returns the store in a folder, which is made when something is first
// written. An empty name keeps everything in memory.
func Open(dir string, log *slog.Logger) *Store {
	s := &Store{log: log, learnt: map[string]Ratio{}}
	if dir != "" {
		s.path = filepath.Join(dir, "state.json")
	}
	return s
}

// Model is the model that the user chose last, in this process or another, or "".
func (s *Store) Model() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load().Model
}

// Choose keeps the user's choice of a model.
func (s *Store) Choose(model string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.load()
	c.Model = model
	return s.save(c)
}

// Ratio is what was learnt for a model, or the zero Ratio.
func (s *Store) Ratio(digest string) Ratio {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.learnt[digest]; ok {
		return r
	}
	return s.load().Ratios[digest]
}

// Learn keeps a model's ratio. Changes below two in a hundred are not written.
func (s *Store) Learn(digest string, r Ratio) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learnt[digest] = r
	c := s.load()
	old := c.Ratios[digest]
	if near(old.ASCII, r.ASCII) && near(old.Other, r.Other) {
		return
	}
	ratios := maps.Clone(c.Ratios)
	if ratios == nil {
		ratios = map[string]Ratio{}
	}
	ratios[digest] = r
	c.Ratios = ratios
	if err := s.save(c); err != nil {
		s.log.Warn("token ratio not kept", "error", err)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 0.02*math.Max(a, b) }

// load reads the file; a broken one is as good as none.
func (s *Store) load() content {
	if s.path == "" {
		return s.memory
	}
	text, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return content{}
	}
	var c content
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		s.log.Warn("state not read", "path", s.path, "error", err)
		return content{}
	}
	return c
}

// save replaces the file in one step, so that no reader sees half of it.
func (s *Store) save(c content) error {
	if s.path == "" {
		s.memory = c
		return nil
	}
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make state folder: %w", err)
	}
	f, err := os.CreateTemp(dir, "state-*") // 0600
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}
