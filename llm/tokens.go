package llm

import (
	"math"

	"career.nvim/llm/store"
)

// Ollama has no tokenizer to ask, so tokens are estimated from the text. ASCII is
// counted in pieces such as byte-pair tokenizers make of it, anything else in
// bytes; what one of each costs is learnt for every model from the
// prompt_eval_count of its answers.

// weight is what a text weighs before a model's ratio is applied.
type weight struct {
	ascii int // pieces of ASCII text
	other int // bytes of other text
}

func (w weight) plus(v weight) weight { return weight{w.ascii + v.ascii, w.other + v.other} }

// Cautious ratios for a model that has not been seen yet: byte-pair tokenizers
// with small vocabularies need this many tokens a piece, and none needs more
// than one token for a byte.
const (
	startASCII = 1.6
	startOther = 1.0
	// Estimates are made this much larger, for text that is denser than the
	// text that the ratio was learnt from.
	caution = 1.12
)

// Letters of one word that share a piece.
const pieceLetters = 4

// weigh counts the pieces of a text: every four letters of a word, every digit,
// every two marks or blanks in a row of the same.
func weigh(text string) weight {
	var w weight
	run, last := 0, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c >= 0x80:
			w.other++
			run = 0
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			if !letter(last) {
				run = 0
			}
			if run%pieceLetters == 0 {
				w.ascii++
			}
			run++
		case '0' <= c && c <= '9':
			w.ascii++
		case c == ' ' && last != ' ' && i > 0:
			// A single blank belongs to the word behind it. Not the first one of
			// a text, so that blanks that are weighed one by one weigh something.
			run = 0
		default:
			if c != last {
				run = 0
			}
			if run%2 == 0 {
				w.ascii++
			}
			run++
		}
		last = c
	}
	return w
}

func letter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// tokens estimates how many tokens a weight is, on the high side.
func tokens(w weight, r store.Ratio) int {
	a, o := startASCII, startOther
	if r.ASCII > 0 {
		a = r.ASCII * caution
	}
	if r.Other > 0 {
		o = r.Other * caution
	}
	return int(math.Ceil(float64(w.ascii)*a + float64(w.other)*o))
}

// learn returns the ratio after an answer that counted n tokens for a prompt of
// that weight. It rises at once and falls slowly.
func learn(r store.Ratio, w weight, n int) store.Ratio {
	const fixed = 12 // the chat template's own tokens, about
	n = max(1, n-fixed)
	if w.other*20 < w.ascii {
		r.ASCII = follow(r.ASCII, float64(n)/float64(max(1, w.ascii)))
		return r
	}
	a := r.ASCII
	if a == 0 {
		a = startASCII / 2
	}
	rest := float64(n) - a*float64(w.ascii)
	if seen := rest / float64(max(1, w.other)); seen > 0 && w.other > 200 {
		r.Other = min(startOther, follow(r.Other, seen))
	}
	return r
}

func follow(old, seen float64) float64 {
	if old == 0 || seen > old {
		return seen
	}
	return 0.8*old + 0.2*seen
}
