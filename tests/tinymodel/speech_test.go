package main

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/quick"
)

func TestAnyBytesAreReadAndComeBack(t *testing.T) {
	v := newVocabulary()
	v.learn(corpus, 200)
	same := func(b []byte) bool { return v.decode(v.encode(string(b))) == string(b) }
	for _, s := range []string{"", " ", "\n\n \t\n", "a  b   c", "naïve 日本語 🙂", "\xff\xfe\x00", "\v\u0085\u00a0x", corpus} {
		if !same([]byte(s)) {
			t.Errorf("%q comes back as %q", s, v.decode(v.encode(s)))
		}
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

func TestSplitCutsAsGPT2Does(t *testing.T) {
	for text, want := range map[string]string{
		"It's 12 o'clock, isn't it?": "It|'s| 12| o|'|clock|,| isn|'t| it|?",
		"a\n\n- b":                   "a|\n|\n|-| b",
		"x   y":                      "x|  | y",
		"end  ":                      "end|  ",
		"**Goal:** go":               "**|Goal|:**| go",
	} {
		if got := strings.Join(split(text), "|"); got != want {
			t.Errorf("split %q = %q, want %q", text, got, want)
		}
	}
}

func TestEnglishTakesFewTokens(t *testing.T) {
	sp := learnSpeech(corpus)
	text := "The team moved the old service to a new platform, and wrote down what they had learned."
	if n := len(sp.encode(text)); len(text) < 2*n {
		t.Errorf("%d tokens for %d bytes", n, len(text))
	}
}

func TestEachTokenIsWrittenInAWayOfItsOwn(t *testing.T) {
	sp := learnSpeech(corpus)
	seen := map[string]int{}
	for id := range sp.texts {
		w := sp.written(id)
		if other, ok := seen[w]; ok {
			t.Errorf("tokens %d and %d are both %q", other, id, w)
		}
		if strings.ContainsAny(w, " \n\x00") {
			t.Errorf("token %d is written %q", id, w)
		}
		seen[w] = id
	}
}

// A model made twice must be the same file: its folder is named after its source.
func TestTheSameCorpusMakesTheSameModel(t *testing.T) {
	a, b := learnSpeech(corpus), learnSpeech(corpus)
	if !slices.Equal(a.texts, b.texts) || !slices.Equal(a.merges, b.merges) || !maps.Equal(a.lines, b.lines) {
		t.Error("two runs differ")
	}
}

func TestAnAnswerBeginsLikeAList(t *testing.T) {
	sp := learnSpeech(corpus)
	newline := sp.encode("<|im_start|>assistant\n")
	row := sp.chance[newline[len(newline)-1]]
	if sp.texts[likeliest(row)] != "- " {
		t.Errorf("begins with %q", sp.texts[likeliest(row)])
	}
}

// With temperature 0 a table of neighbours may run in a circle; each line has
// to come to its end all the same, or tiny would never stop.
func TestTheLikeliestWordsEndEachLine(t *testing.T) {
	sp := learnSpeech(corpus)
	for mark := range sp.lines {
		at := mark
		for n := 0; !sp.stops[at]; n++ {
			at = likeliest(sp.chance[at])
			if n > 60 {
				t.Fatalf("the line that begins with %q goes on for ever", sp.texts[mark])
			}
		}
	}
}

func TestEndlessCannotEnd(t *testing.T) {
	sp := learnSpeech(corpus)
	for id, row := range sp.chance {
		for c := range sp.control {
			if row[c] > never {
				t.Fatalf("%q may follow %q", sp.texts[c], sp.texts[id])
			}
		}
		if sum := total(row); math.Abs(sum-1) > 0.01 {
			t.Errorf("chances after %q add up to %v", sp.texts[id], sum)
		}
	}
}

func likeliest(row []float64) (best int) {
	for id, x := range row {
		if x > row[best] {
			best = id
		}
	}
	return best
}

func total(row []float64) (sum float64) {
	for _, x := range row {
		sum += math.Exp(x)
	}
	return sum
}
