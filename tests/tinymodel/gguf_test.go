package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// layout is what a reader finds in a file: just enough of the format.
type layout struct {
	values  map[string]any
	tensors map[string]placed
	data    []byte // from where offsets count
}

type placed struct {
	dims   []uint64 // the contiguous one first
	typ    uint32
	offset uint64
}

func TestGGUFReadsBack(t *testing.T) {
	g := &gguf{}
	g.set("a.number", uint32(7))
	g.set("a.text", "héllo")
	g.set("a.flag", true)
	g.set("a.float", float32(1e-5))
	g.set("a.list", []string{"x", "", "yz"})
	g.set("a.types", []int32{1, 3, -1})
	g.ones("norm", 3)
	g.matrix("m", 2, 3, func(row, col int) float32 { return float32(row*10+col) - 0.5 })
	g.matrix("zero", 5, 1, nil)
	var file bytes.Buffer
	if err := g.write(&file); err != nil {
		t.Fatal(err)
	}
	got := readBack(t, file.Bytes())
	for key, want := range map[string]any{
		"a.number": uint32(7), "a.text": "héllo", "a.flag": true, "a.float": float32(1e-5),
	} {
		if got.values[key] != want {
			t.Errorf("%s = %v, want %v", key, got.values[key], want)
		}
	}
	if list := got.values["a.list"].([]any); !slices.Equal(list, []any{"x", "", "yz"}) {
		t.Errorf("a.list = %q", list)
	}
	if list := got.values["a.types"].([]any); !slices.Equal(list, []any{int32(1), int32(3), int32(-1)}) {
		t.Errorf("a.types = %v", list)
	}
	if got := got.floats(t, "norm"); !slices.Equal(got, []float32{1, 1, 1}) {
		t.Errorf("norm = %v", got)
	}
	if got := got.floats(t, "m"); !slices.Equal(got, []float32{-0.5, 0.5, 1.5, 9.5, 10.5, 11.5}) {
		t.Errorf("m = %v", got)
	}
	if got := got.floats(t, "zero"); !slices.Equal(got, make([]float32, 5)) {
		t.Errorf("zero = %v", got)
	}
}

func TestGGUFRefusesAValueThatHasNoType(t *testing.T) {
	g := &gguf{}
	g.set("a.number", 7)
	if err := g.write(io.Discard); err == nil || !strings.Contains(err.Error(), "a.number") {
		t.Errorf("error = %v, want one that names a.number", err)
	}
}

func TestModelsAreWhole(t *testing.T) {
	sp := learnSpeech(corpus)
	for _, s := range models {
		t.Run(s.name, func(t *testing.T) {
			var file bytes.Buffer
			if err := s.llama(sp).write(&file); err != nil {
				t.Fatal(err)
			}
			if file.Len() > 40e6 || s.name != "slow" && file.Len() > 10e6 {
				t.Errorf("%d bytes are too many for tests", file.Len())
			}
			got := readBack(t, file.Bytes())
			if n := got.values["llama.context_length"]; n != uint32(32768) {
				t.Errorf("context length %v, want 32768", n)
			}
			tokens := got.values["tokenizer.ggml.tokens"].([]any)
			if len(tokens) != len(sp.texts) {
				t.Errorf("%d tokens, want %d", len(tokens), len(sp.texts))
			}
			out := got.tensors["output.weight"]
			if want := uint64(len(tokens)); out.dims[1] != want || out.dims[0] <= want {
				t.Errorf("output matrix %v for %d tokens", out.dims, want)
			}
			if n := len(got.tensors); n != 3+9*s.blocks {
				t.Errorf("%d tensors in %d blocks", n, s.blocks)
			}
		})
	}
}

func readBack(t *testing.T, file []byte) layout {
	t.Helper()
	r := &reader{t, bytes.NewReader(file)}
	if magic := string(r.next(4)); magic != "GGUF" {
		t.Fatalf("magic %q", magic)
	}
	if v := get[uint32](r); v != 3 {
		t.Fatalf("version %d", v)
	}
	tensors, pairs := get[uint64](r), get[uint64](r)
	l := layout{values: map[string]any{}, tensors: map[string]placed{}}
	for range pairs {
		key := r.text()
		l.values[key] = r.value(get[uint32](r))
	}
	for range tensors {
		name, p := r.text(), placed{}
		for range get[uint32](r) {
			p.dims = append(p.dims, get[uint64](r))
		}
		p.typ, p.offset = get[uint32](r), get[uint64](r)
		if p.offset%alignment != 0 {
			t.Errorf("%s starts at %d", name, p.offset)
		}
		l.tensors[name] = p
	}
	head := len(file) - r.Len()
	l.data = file[(head+alignment-1)/alignment*alignment:]
	return l
}

func (l layout) floats(t *testing.T, name string) (out []float32) {
	t.Helper()
	p, ok := l.tensors[name]
	if !ok {
		t.Fatalf("no tensor %s", name)
	}
	n := uint64(1)
	for _, d := range p.dims {
		n *= d
	}
	for i := range n {
		switch p.typ {
		case typeFloat32:
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(l.data[p.offset+4*i:])))
		case typeBfloat16:
			x := uint32(binary.LittleEndian.Uint16(l.data[p.offset+2*i:]))
			out = append(out, math.Float32frombits(x<<16))
		}
	}
	return out
}

type reader struct {
	t *testing.T
	*bytes.Reader
}

func get[T any](r *reader) (v T) {
	r.t.Helper()
	if err := binary.Read(r, binary.LittleEndian, &v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *reader) next(n uint64) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *reader) text() string { return string(r.next(get[uint64](r))) }

func (r *reader) value(typ uint32) any {
	switch typ {
	case ggufUint32:
		return get[uint32](r)
	case ggufInt32:
		return get[int32](r)
	case ggufFloat32:
		return get[float32](r)
	case ggufBool:
		return get[bool](r)
	case ggufString:
		return r.text()
	case ggufArray:
		of, list := get[uint32](r), []any{}
		for range get[uint64](r) {
			list = append(list, r.value(of))
		}
		return list
	}
	r.t.Fatalf("unknown type %d", typ)
	return nil
}
