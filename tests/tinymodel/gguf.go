package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// The GGUF format, version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md):
// a header, keys with values, tensors' names and shapes, then the tensors' data.

const (
	ggufUint32  uint32 = 4
	ggufInt32   uint32 = 5
	ggufFloat32 uint32 = 6
	ggufBool    uint32 = 7
	ggufString  uint32 = 8
	ggufArray   uint32 = 9

	typeFloat32  uint32 = 0
	typeBfloat16 uint32 = 30

	alignment = 32
)

type pair struct {
	key   string
	value any // uint32, float32, bool, string, []string or []int32
}

// tensor is a table of numbers. A nil at means that all are zero.
type tensor struct {
	name string
	rows int // 0: a vector
	cols int
	at   func(row, col int) float32
}

type gguf struct {
	pairs   []pair
	tensors []tensor
}

func (g *gguf) set(key string, value any) { g.pairs = append(g.pairs, pair{key, value}) }

// matrix adds weights that turn cols numbers into rows, kept as bfloat16.
func (g *gguf) matrix(name string, rows, cols int, at func(row, col int) float32) {
	g.tensors = append(g.tensors, tensor{name, rows, cols, at})
}

// ones adds a vector of n ones, kept as float32.
func (g *gguf) ones(name string, n int) {
	g.tensors = append(g.tensors, tensor{name, 0, n, func(_, _ int) float32 { return 1 }})
}

func (t tensor) size() int {
	if t.rows == 0 {
		return 4 * t.cols
	}
	return 2 * t.rows * t.cols
}

func (g *gguf) writeFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := g.write(f); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, f.Close()))
	}
	return f.Close()
}

// write writes the whole file. A value of a type that no GGUF has is an error.
func (g *gguf) write(to io.Writer) error {
	w := &writer{to: bufio.NewWriterSize(to, 1<<16)}
	w.bytes([]byte("GGUF"))
	w.put(uint32(3), uint64(len(g.tensors)), uint64(len(g.pairs)))
	for _, p := range g.pairs {
		w.text(p.key)
		w.value(p)
	}
	offset := 0
	for _, t := range g.tensors {
		w.shape(t, offset)
		offset += (t.size() + alignment - 1) / alignment * alignment
	}
	w.align()
	for _, t := range g.tensors {
		w.data(t)
		w.align()
	}
	if w.err != nil {
		return w.err
	}
	return w.to.Flush()
}

// writer counts what it writes and keeps the first error.
type writer struct {
	to  *bufio.Writer
	n   int
	err error
}

func (w *writer) bytes(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
	w.n += len(b)
}

// put writes numbers of a fixed size.
func (w *writer) put(values ...any) {
	for _, v := range values {
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil && w.err == nil {
			w.err = err
		}
		w.bytes(b)
	}
}

func (w *writer) text(s string) {
	w.put(uint64(len(s)))
	w.bytes([]byte(s))
}

func (w *writer) align() {
	w.bytes(make([]byte, (alignment-w.n%alignment)%alignment))
}

func (w *writer) value(p pair) {
	switch v := p.value.(type) {
	case uint32:
		w.put(ggufUint32, v)
	case float32:
		w.put(ggufFloat32, v)
	case bool:
		w.put(ggufBool, v)
	case string:
		w.put(ggufString)
		w.text(v)
	case []string:
		w.put(ggufArray, ggufString, uint64(len(v)))
		for _, s := range v {
			w.text(s)
		}
	case []int32:
		w.put(ggufArray, ggufInt32, uint64(len(v)), v)
	default:
		w.err = fmt.Errorf("%s: no GGUF type for %T", p.key, v)
	}
}

func (w *writer) shape(t tensor, offset int) {
	w.text(t.name)
	if t.rows == 0 {
		w.put(uint32(1), uint64(t.cols), typeFloat32)
	} else {
		w.put(uint32(2), uint64(t.cols), uint64(t.rows), typeBfloat16)
	}
	w.put(uint64(offset))
}

func (w *writer) data(t tensor) {
	if t.at == nil {
		w.bytes(make([]byte, t.size()))
		return
	}
	b := make([]byte, 0, t.size())
	for row := range max(t.rows, 1) {
		for col := range t.cols {
			x := math.Float32bits(t.at(row, col))
			if t.rows == 0 {
				b = binary.LittleEndian.AppendUint32(b, x)
			} else { // rounded to the upper half
				b = binary.LittleEndian.AppendUint16(b, uint16((x+0x8000)>>16))
			}
		}
	}
	w.bytes(b)
}
