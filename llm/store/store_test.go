package store

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	return Open(dir, slog.New(slog.DiscardHandler))
}

func TestWhatIsKeptSurvivesReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "career")
	s := open(t, dir)
	if s.Model() != "" || s.Ratio("tiny") != (Ratio{}) {
		t.Errorf("a new store holds %q and %v", s.Model(), s.Ratio("tiny"))
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("the folder was made before anything was kept")
	}
	if err := s.Choose("tiny"); err != nil {
		t.Fatal(err)
	}
	s.Learn("tiny", Ratio{ASCII: 0.9, Other: 0.3})
	s.Learn("big", Ratio{ASCII: 0.7})
	again := open(t, dir)
	if got := again.Model(); got != "tiny" {
		t.Errorf("the model is %q", got)
	}
	if got, want := again.Ratio("tiny"), (Ratio{0.9, 0.3}); got != want {
		t.Errorf("the ratio is %v, want %v", got, want)
	}
	if got, want := again.Ratio("big"), (Ratio{ASCII: 0.7}); got != want {
		t.Errorf("the other model's ratio is %v, want %v", got, want)
	}
}

func TestWithoutAFolderItIsKeptInMemory(t *testing.T) {
	s := open(t, "")
	if err := s.Choose("tiny"); err != nil {
		t.Fatal(err)
	}
	s.Learn("tiny", Ratio{ASCII: 0.9})
	if s.Model() != "tiny" || s.Ratio("tiny").ASCII != 0.9 {
		t.Errorf("got %q and %v", s.Model(), s.Ratio("tiny"))
	}
}

func TestFilesAreTheUsersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	s := open(t, dir)
	for range 2 { // made, then replaced
		if err := s.Choose("tiny"); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{dir: 0o700, filepath.Dir(dir): 0o700, filepath.Join(dir, "state.json"): 0o600} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s has the mode %o, want %o", path, got, want)
			}
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want one file", entries, err)
	}
}

func TestBrokenFileIsAsGoodAsNone(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"cut", `{"model":"ti`},
		{"of another shape", `{"model":7}`},
		{"a list", `[]`},
		{"bytes", "\x00\xff"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "state.json"), []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			s := Open(dir, slog.New(slog.NewTextHandler(&log, nil)))
			if got := s.Model(); got != "" {
				t.Errorf("the model is %q", got)
			}
			if !strings.Contains(log.String(), "state not read") {
				t.Errorf("the log says %q", log.String())
			}
			if err := s.Choose("tiny"); err != nil {
				t.Fatal(err)
			}
			if got := open(t, dir).Model(); got != "tiny" {
				t.Errorf("after a choice the model is %q", got)
			}
		})
	}
}

func TestTwoStoresOfOneFolderKeepEachOthersWord(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	a.Learn("tiny", Ratio{ASCII: 0.9})
	if err := b.Choose("big"); err != nil {
		t.Fatal(err)
	}
	a.Learn("tiny", Ratio{ASCII: 1.2})
	b.Learn("big", Ratio{ASCII: 0.7})
	for name, s := range map[string]*Store{"the first": a, "the second": b, "a third": open(t, dir)} {
		if got := s.Model(); got != "big" {
			t.Errorf("%s: the model is %q", name, got)
		}
		if s.Ratio("tiny").ASCII != 1.2 || s.Ratio("big").ASCII != 0.7 {
			t.Errorf("%s: the ratios are %v and %v", name, s.Ratio("tiny"), s.Ratio("big"))
		}
	}
}

func TestOwnRatioGoesBeforeTheFilesOne(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	a.Learn("tiny", Ratio{ASCII: 1})
	b.Learn("tiny", Ratio{ASCII: 2})
	if got := a.Ratio("tiny").ASCII; got != 1 {
		t.Errorf("got %v, want the ratio of its own", got)
	}
}

func TestSmallChangesAreNotWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	s := open(t, dir)
	s.Learn("tiny", Ratio{ASCII: 1})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Learn("tiny", Ratio{ASCII: 1.01})
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Errorf("%s was written over %s", after, before)
	}
	if got := s.Ratio("tiny").ASCII; got != 1.01 {
		t.Errorf("the ratio in use is %v", got)
	}
	s.Learn("tiny", Ratio{ASCII: 1.1})
	if got := open(t, dir).Ratio("tiny").ASCII; got != 1.1 {
		t.Errorf("a larger change was not written: %v", got)
	}
}

func TestFolderThatCantBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, filepath.Join(file, "career"))
	if err := s.Choose("tiny"); err == nil {
		t.Error("no error")
	}
	s.Learn("tiny", Ratio{ASCII: 1}) // logged only
	if got := s.Ratio("tiny").ASCII; got != 1 {
		t.Errorf("the ratio in use is %v", got)
	}
}

func TestManyGoroutinesShareOne(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 20 {
				s.Learn(string(rune('a'+i)), Ratio{ASCII: float64(k + 1)})
				_ = s.Choose("tiny")
				s.Ratio("a")
			}
		})
	}
	wg.Wait()
	again := open(t, dir)
	for i := range 8 {
		if got := again.Ratio(string(rune('a' + i))).ASCII; got != 20 {
			t.Errorf("model %d: got %v, want 20", i, got)
		}
	}
}
