package llm

import (
	"fmt"
	"net/http"
	"testing"

	"career.nvim/llm/llmtest"
)

func TestPhasesComeInTheirOrder(t *testing.T) {
	// The model is loaded when the test says so, and then the prompt is read until
	// the user was told.
	for _, tt := range []struct {
		name   string
		loaded int
		load   http.HandlerFunc // answers the question that returns when the model is loaded
		want   string
	}{
		{"a model in memory is not loaded", 8192, nil, "starting reading writing text"},
		{"a model that is not in memory is", 0, nil, "starting loading reading writing text"},
		{"so is one with a smaller window", 4096, nil, "starting loading reading writing text"},
		{"a server that does not say so is asked for what it has loaded", 0, func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":"no"}`, http.StatusInternalServerError)
		}, "starting loading reading writing text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := llmtest.New(t)
			f.Models[0].Loaded = tt.loaded
			if tt.load != nil {
				f.Handle("/api/generate", tt.load)
			}
			f.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
				if w.Hold() {
					w.Token("a")
					w.Token("b")
					w.Done("stop")
				}
			})
			out := sheet{told: func(p Phase) {
				if p.Name == "reading" {
					f.Release()
				}
			}}
			if _, err := newService(t).Summarize(t.Context(), request(f, "We shipped it."), &out); err != nil {
				t.Fatal(err)
			}
			if got := out.history(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			for _, p := range out.phases {
				if p.Part != 0 || p.Parts != 0 || p.Name == "reading" && p.Tokens < 20 {
					t.Errorf("phase %+v", p)
				}
			}
		})
	}
}

func TestFirstTokenEndsTheLoadingAlsoWhenNothingElseTellsOfIt(t *testing.T) {
	f := llmtest.New(t)
	f.Models[0].Loaded = 0
	f.Handle("/api/generate", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f.Chat(func(w *llmtest.Stream, _ llmtest.Request) {
		w.Token("a")
		w.Done("stop")
	})
	var out sheet
	if _, err := newService(t).Summarize(t.Context(), request(f, "We shipped it."), &out); err != nil {
		t.Fatal(err)
	}
	if got, want := out.history(), "starting loading writing text"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSpeedIsToldWhileItWrites(t *testing.T) {
	e := &engine{out: &sheet{}}
	r := &reading{}
	e.wrote(r)
	r.first = r.first.Add(-1e9)
	r.told = r.first
	e.wrote(r)
	phases := e.out.(*sheet).phases
	if len(phases) != 2 || phases[0].Rate != 0 || fmt.Sprintf("%.1f", phases[1].Rate) != "1.0" {
		t.Errorf("got %+v", phases)
	}
}
