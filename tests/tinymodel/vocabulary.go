package main

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	tokenText  = "<|endoftext|>"
	tokenStart = "<|im_start|>"
	tokenEnd   = "<|im_end|>"
)

// vocabulary is a byte-level BPE: the 256 bytes first, then one token for each
// merge, then tokens that no text is read as (words to speak, control tokens).
type vocabulary struct {
	texts   []string // each token's bytes
	merges  [][2]int // by rank; merge i makes token 256+i
	ids     map[string]int
	rank    map[[2]int]int
	control map[int]bool
}

// piece is GPT-2's pattern without its look-ahead, which split does by hand.
var piece = regexp.MustCompile(`^(?:'(?:s|t|re|ve|m|ll|d)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+)`)

// split cuts text where GPT-2's tokenizer does; no token reaches over a cut.
func split(text string) []string {
	var out []string
	for len(text) > 0 {
		n := len(piece.FindString(text))
		if n < len(text) && strings.TrimSpace(text[:n]) == "" {
			// The last blank belongs to the word after it.
			if _, last := utf8.DecodeLastRuneInString(text[:n]); last < n {
				n -= last
			}
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func newVocabulary() *vocabulary {
	v := &vocabulary{ids: map[string]int{}, rank: map[[2]int]int{}, control: map[int]bool{}}
	for b := range 256 {
		v.add(string([]byte{byte(b)}))
	}
	return v
}

// add returns the token of these bytes, a new one when there is none.
func (v *vocabulary) add(text string) int {
	if id, ok := v.ids[text]; ok {
		return id
	}
	id := len(v.texts)
	v.texts = append(v.texts, text)
	v.ids[text] = id
	return id
}

func (v *vocabulary) addControl(text string) int {
	id := v.add(text)
	v.control[id] = true
	return id
}

// learn adds merges for the pairs that text has most often, at most n of
// them, down to pairs that occur twice. To be called before add.
func (v *vocabulary) learn(text string, n int) {
	counts := map[string]int{}
	for _, w := range split(text) {
		counts[w]++
	}
	words := map[string][]int{}
	for w := range counts {
		words[w] = v.encodePiece(w)
	}
	for range n {
		pairs := map[[2]int]int{}
		for w, ids := range words {
			for i := range len(ids) - 1 {
				pairs[[2]int{ids[i], ids[i+1]}] += counts[w]
			}
		}
		best, ok := mostFrequent(pairs)
		if !ok {
			return
		}
		v.rank[best] = len(v.merges)
		v.merges = append(v.merges, best)
		id := v.add(v.texts[best[0]] + v.texts[best[1]])
		for w, ids := range words {
			words[w] = merge(ids, best, id)
		}
	}
}

// mostFrequent is the pair counted most, of equals the one of lower ids, so
// that the same text always makes the same model.
func mostFrequent(pairs map[[2]int]int) (best [2]int, ok bool) {
	most := 1
	for p, n := range pairs {
		if n > most || ok && n == most && slices.Compare(p[:], best[:]) < 0 {
			best, most, ok = p, n, true
		}
	}
	return best, ok
}

func merge(ids []int, pair [2]int, id int) []int {
	var out []int
	for i := 0; i < len(ids); i++ {
		if i+1 < len(ids) && ids[i] == pair[0] && ids[i+1] == pair[1] {
			out = append(out, id)
			i++
		} else {
			out = append(out, ids[i])
		}
	}
	return out
}

// encode reads text as llama.cpp does, control tokens aside.
func (v *vocabulary) encode(text string) []int {
	var out []int
	for _, w := range split(text) {
		out = append(out, v.encodePiece(w)...)
	}
	return out
}

func (v *vocabulary) encodePiece(w string) []int {
	ids := make([]int, len(w))
	for i := range len(w) {
		ids[i] = int(w[i])
	}
	for {
		first := -1
		for i := range len(ids) - 1 {
			if r, ok := v.rank[[2]int{ids[i], ids[i+1]}]; ok && (first < 0 || r < first) {
				first = r
			}
		}
		if first < 0 {
			return ids
		}
		ids = merge(ids, v.merges[first], 256+first)
	}
}

func (v *vocabulary) decode(ids []int) string {
	var sb strings.Builder
	for _, id := range ids {
		sb.WriteString(v.texts[id])
	}
	return sb.String()
}

// written is a token as a GGUF file spells it: each byte as one printable
// rune, bytes that are none as the runes from 256 on. Control tokens stay.
func (v *vocabulary) written(id int) string {
	if v.control[id] {
		return v.texts[id]
	}
	var sb strings.Builder
	for i := range len(v.texts[id]) {
		sb.WriteRune(byteRunes[v.texts[id][i]])
	}
	return sb.String()
}

var byteRunes = func() (runes [256]rune) {
	next := rune(256)
	for b := range runes {
		if b > ' ' && b < 0x7f || b > 0xa0 && b != 0xad {
			runes[b] = rune(b)
			continue
		}
		runes[b] = next
		next++
	}
	return runes
}()
