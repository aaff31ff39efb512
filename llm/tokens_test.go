package llm

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"career.nvim/llm/llmtest"
	"career.nvim/llm/store"
)

func TestWeighCountsPieces(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     weight
	}{
		{"nothing", "", weight{}},
		{"a short word", "ship", weight{1, 0}},
		{"a long one", "shipping", weight{2, 0}},
		{"a blank belongs to the word behind it", "we ship it", weight{3, 0}},
		{"every digit", "2025", weight{4, 0}},
		{"letters behind digits begin anew", "a1b", weight{3, 0}},
		{"two marks of the same", "----", weight{2, 0}},
		{"different marks", "-=-", weight{3, 0}},
		{"an indent", "        x", weight{5, 0}},
		{"a blank by itself", " ", weight{1, 0}},
		{"newlines", "a\n\nb", weight{3, 0}},
		{"bytes of other text", "日本", weight{0, 6}},
		{"both", "Käse", weight{2, 2}},
	} {
		if got := weigh(tt.in); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
	if got := (weight{1, 2}).plus(weight{3, 4}); got != (weight{4, 6}) {
		t.Errorf("the sum is %v", got)
	}
}

func TestEstimateIsOnTheHighSide(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ratio store.Ratio
		want  int
	}{
		{"a model never seen", store.Ratio{}, 1600 + 300},
		{"a model whose ASCII is known", store.Ratio{ASCII: 1}, 1120 + 300},
		{"a model that is known", store.Ratio{ASCII: 1, Other: 0.5}, 1120 + 168},
	} {
		if got := tokens(weight{1000, 300}, tt.ratio); got < tt.want || got > tt.want+1 {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestEstimateIsNeverAboveTheBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "Z", "0", "9", " ", "  ", "\n", "-", "|", "<|", "é", "語", "🙂", "word ", "\t"}
	for range 2000 {
		var b strings.Builder
		for range rng.IntN(60) {
			b.WriteString(alphabet[rng.IntN(len(alphabet))])
		}
		e := &engine{ratio: store.Ratio{ASCII: 4 * rng.Float64(), Other: rng.Float64()}, tight: 1 + 5*rng.Float64()}
		text := b.String()
		if got := e.size(text); got > len(text) || text != "" && got < 1 {
			t.Fatalf("%q: %d tokens of %d bytes", text, got, len(text))
		}
	}
}

func TestRatioIsLearnt(t *testing.T) {
	ascii := weight{1000, 0}
	r := learn(store.Ratio{}, ascii, 812)
	if math.Abs(r.ASCII-0.8) > 0.001 || r.Other != 0 {
		t.Errorf("at first: %v", r)
	}
	if up := learn(r, ascii, 1212); math.Abs(up.ASCII-1.2) > 0.001 {
		t.Errorf("it rises to %v, want 1.2 at once", up.ASCII)
	}
	if down := learn(r, ascii, 412); math.Abs(down.ASCII-0.72) > 0.001 {
		t.Errorf("it falls to %v, want 0.72: slowly", down.ASCII)
	}
	if mixed := learn(r, weight{100, 900}, 80+450+12); math.Abs(mixed.Other-0.5) > 0.001 || mixed.ASCII != r.ASCII {
		t.Errorf("of other text: %v", mixed)
	}
	if got := learn(r, weight{100, 900}, 5000); got.Other != startOther {
		t.Errorf("a byte is %v tokens, want no more than one", got.Other)
	}
	if got := learn(r, weight{100, 20}, 90); got.Other != 0 {
		t.Errorf("from 20 bytes it learnt %v", got.Other)
	}
	if got := learn(r, weight{100, 900}, 30); got.Other != 0 {
		t.Errorf("from fewer tokens than the ASCII takes it learnt %v", got.Other)
	}
	for range 100 {
		r = learn(r, ascii, 512)
	}
	if math.Abs(r.ASCII-0.5) > 0.001 {
		t.Errorf("in the end it is %v, want 0.5", r.ASCII)
	}
}

func TestRatioSurvivesTheService(t *testing.T) {
	f := llmtest.New(t)
	f.Say("ok")
	dir := t.TempDir()
	s := New(Options{State: dir})
	if _, err := s.Summarize(t.Context(), request(f, strings.Repeat("We shipped it. ", 50)), &sheet{}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = New(Options{State: dir})
	defer s.Close()
	e, err := s.open(t.Context(), Settings{Host: f.URL, Model: "tiny"}, &sheet{})
	if err != nil || e.ratio.ASCII == 0 {
		t.Errorf("the ratio is %v, %v", e.ratio, err)
	}
}
