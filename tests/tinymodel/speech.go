package main

import (
	_ "embed"
	"math"
	"regexp"
	"slices"
	"strings"
)

//go:embed corpus.md
var corpus string

// Natural logarithms of chances, next to those of words that do follow (0 at
// most). Sampling never chooses one of the lower two by itself: they decide
// only where a JSON grammar forbids all words.
const (
	never    = -40.0 // also when nothing else is left
	unlikely = -20.0
	closes   = -10.0 // what ends a JSON string or number, or goes on with a list
)

// speech is a vocabulary and the table of what follows what.
type speech struct {
	*vocabulary
	start, end, text int          // control tokens
	lines            map[int]bool // tokens that begin a line of an answer
	stops            map[int]bool // tokens that end a line, but for headings'
	chance           [][]float64  // chance[a][b]: logarithm of b's chance after a
}

// learnSpeech makes a vocabulary of text's words and counts their neighbours.
// Text is a Markdown list, in parts with or without a heading.
func learnSpeech(text string) *speech {
	sp := &speech{vocabulary: newVocabulary(), lines: map[int]bool{}, stops: map[int]bool{}}
	sp.learn(text, 480)
	sp.text, sp.start, sp.end = sp.addControl(tokenText), sp.addControl(tokenStart), sp.addControl(tokenEnd)
	next := map[int]map[int]float64{}
	first := map[int]float64{} // words that begin a line
	for _, line := range sp.read(text) {
		for i, id := range line[:len(line)-1] {
			count(next, id, line[i+1])
		}
		if !strings.HasPrefix(sp.texts[line[1]], " ") { // no label before it
			first[line[1]]++
		}
	}
	sp.count(next, first)
	return sp
}

// marker is what a line begins with, its label and the end of the line before
// included. It is one token, which only answers have: text is read in pieces.
var marker = regexp.MustCompile(`\n*(?:- (?:\*\*[^*]+\*\*)?|## )`)

// read gives text's lines as the tokens they are spoken in, each from its
// marker to the next one's marker.
func (sp *speech) read(text string) [][]int {
	var lines [][]int
	at := marker.FindAllStringIndex(text, -1)
	for i, m := range at {
		mark := sp.add(strings.Replace(text[m[0]:m[1]], "\n\n- ", "\n- ", 1))
		sp.lines[mark] = true
		stop := len(text)
		if i+1 < len(at) {
			stop = at[i+1][0]
		}
		line := []int{mark}
		for _, w := range words(strings.TrimRight(text[m[1]:stop], "\n")) {
			line = append(line, sp.add(w))
		}
		if last := line[len(line)-1]; sp.texts[last] == "." {
			sp.stops[last] = true
		}
		lines = append(lines, line)
	}
	for i := range len(lines) - 1 {
		lines[i] = append(lines[i], lines[i+1][0])
	}
	return lines
}

// words splits a line. A full stop inside it is one word with what comes after
// it, so that the one at its end is followed by ends alone.
func words(line string) []string {
	var out []string
	for _, w := range split(line) {
		if n := len(out) - 1; n >= 0 && out[n] == "." {
			out[n] += w
		} else {
			out = append(out, w)
		}
	}
	return out
}

// count turns counts into the table. A token that the corpus never has is
// followed by what may begin a line.
func (sp *speech) count(next map[int]map[int]float64, first map[int]float64) {
	quote, dash := sp.ids[`"`], sp.add("- ")
	sp.lines[dash] = true
	next[sp.ids["\n"]] = map[int]float64{dash: 1} // the prompt's last token
	next[dash] = first
	for a := range sp.texts {
		row := slices.Repeat([]float64{unlikely}, len(sp.texts))
		after := next[a]
		if after == nil {
			after = first
		}
		total := 0.0
		for _, n := range after {
			total += n
		}
		for b, n := range after {
			row[b] = math.Log(n / total)
		}
		for id := range sp.control {
			row[id] = never
		}
		if sp.stops[a] {
			row[quote] = closes
		}
		if a >= '0' && a <= '9' {
			row[','], row['}'], row[']'] = closes, closes, closes
		}
		if a == '[' { // rather a list of some than an empty one
			row['{'], row['"'] = closes, closes
		}
		sp.chance = append(sp.chance, row)
	}
}

func count(next map[int]map[int]float64, a, b int) {
	if next[a] == nil {
		next[a] = map[int]float64{}
	}
	next[a][b]++
}
