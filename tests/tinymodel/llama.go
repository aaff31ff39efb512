package main

import (
	"fmt"
	"math"
)

// shape says how large a model is. Its words cost nothing but the first and
// the last matrix; blocks, heads and feedForward are there to take time.
type shape struct {
	name        string
	ends        bool // whether it says <|im_end|> by itself
	blocks      int
	heads       int
	keyLength   int
	feedForward int
}

const context = 32768

// How an answer comes to its end: the first block's first head looks back at
// the marks of turns and the lines of the answer alone, and leaves in the
// last dimension how large a share of both are lines. The more lines there
// are, the likelier is the end after a sentence.
const (
	attention = 20.0 // a seen token's score; e^20 times the others'
	share     = 0.3  // how much a share of 1 adds to the last dimension
	endAtOnce = -9.0 // logarithm of the end's chance in the first line
	endByLine = 16.0 // what a share of 1 adds to it
)

// llama builds the model. Each token has a dimension of its own, so that the
// output matrix is the table of chances itself, scaled.
func (s shape) llama(sp *speech) *gguf {
	n := len(sp.texts)
	dim := (n + 1 + 63) / 64 * 64
	last := dim - 1
	scale := float32(math.Sqrt(float64(dim))) // what a norm makes of a lone 1

	g := &gguf{}
	s.describe(g, dim, n)
	sp.describe(g)
	g.matrix("token_embd.weight", n, dim, func(row, col int) float32 {
		if row == col {
			return 1
		}
		return 0
	})
	s.addBlocks(g, dim, sp)
	g.ones("output_norm.weight", dim)
	g.matrix("output.weight", n, dim, func(row, col int) float32 {
		switch {
		case col < n && row == sp.end && s.ends && sp.stops[col]:
			return endAtOnce / scale
		case col < n:
			return float32(sp.chance[col][row]) / scale
		case col == last && row == sp.end && s.ends:
			return endByLine / (share * scale)
		}
		return 0
	})
	return g
}

func (s shape) addBlocks(g *gguf, dim int, sp *speech) {
	scale := float32(math.Sqrt(float64(dim)))
	score := float32(math.Sqrt(attention * math.Sqrt(float64(s.keyLength))))
	slow := s.keyLength - 1 // the dimension that a token's position turns least
	width := s.heads * s.keyLength
	for i := range s.blocks {
		add := func(name string, rows, cols int, at func(row, col int) float32) {
			if i > 0 {
				at = nil
			}
			g.matrix(fmt.Sprintf("blk.%d.%s.weight", i, name), rows, cols, at)
		}
		g.ones(fmt.Sprintf("blk.%d.attn_norm.weight", i), dim)
		add("attn_q", width, dim, func(row, _ int) float32 {
			return when(row == slow, score/scale)
		})
		add("attn_k", width, dim, func(row, col int) float32 {
			return when(row == slow && (col == sp.start || sp.lines[col]), score/scale)
		})
		add("attn_v", width, dim, func(row, col int) float32 {
			return when(row == 0 && sp.lines[col], 1/scale)
		})
		add("attn_output", dim, width, func(row, col int) float32 {
			return when(row == dim-1 && col == 0, share)
		})
		g.ones(fmt.Sprintf("blk.%d.ffn_norm.weight", i), dim)
		add("ffn_gate", s.feedForward, dim, nil)
		add("ffn_up", s.feedForward, dim, nil)
		add("ffn_down", dim, s.feedForward, nil)
	}
}

func when(ok bool, x float32) float32 {
	if ok {
		return x
	}
	return 0
}

func (s shape) describe(g *gguf, dim, words int) {
	g.set("general.architecture", "llama")
	g.set("general.name", s.name)
	g.set("general.file_type", uint32(32)) // mostly bfloat16
	for _, p := range []struct {
		key string
		n   int
	}{
		{"block_count", s.blocks},
		{"context_length", context},
		{"embedding_length", dim},
		{"feed_forward_length", s.feedForward},
		{"attention.head_count", s.heads},
		{"attention.head_count_kv", s.heads},
		{"attention.key_length", s.keyLength},
		{"attention.value_length", s.keyLength},
		{"rope.dimension_count", s.keyLength},
		{"vocab_size", words},
	} {
		g.set("llama."+p.key, uint32(p.n))
	}
	g.set("llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	g.set("llama.rope.freq_base", float32(1e6))
}

func (sp *speech) describe(g *gguf) {
	const normal, control = 1, 3
	tokens := make([]string, len(sp.texts))
	types := make([]int32, len(sp.texts))
	for id := range sp.texts {
		tokens[id], types[id] = sp.written(id), normal
		if sp.control[id] {
			types[id] = control
		}
	}
	merges := make([]string, len(sp.merges))
	for i, m := range sp.merges {
		merges[i] = sp.written(m[0]) + " " + sp.written(m[1])
	}
	g.set("tokenizer.ggml.model", "gpt2")
	g.set("tokenizer.ggml.pre", "gpt-2")
	g.set("tokenizer.ggml.tokens", tokens)
	g.set("tokenizer.ggml.token_type", types)
	g.set("tokenizer.ggml.merges", merges)
	g.set("tokenizer.ggml.bos_token_id", uint32(sp.text))
	g.set("tokenizer.ggml.eos_token_id", uint32(sp.end))
	g.set("tokenizer.ggml.padding_token_id", uint32(sp.text))
	g.set("tokenizer.ggml.add_bos_token", false)
}
