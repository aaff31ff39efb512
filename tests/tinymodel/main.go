// Tinymodel writes small language models that Ollama loads in no time, each
// with a Modelfile beside it: `go run ./tests/tinymodel -o DIR`.
//
// They say words of corpus.md in an order that a table of neighbours allows:
// Markdown that reads like notes and means nothing. They understand nothing
// of a prompt, but read any bytes, and as many tokens as a real one would.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// chatML marks whose turn it is as most small models want it.
const chatML = `{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
`

// models lists what tests ask for by name. All speak alike; tiny alone ends
// an answer by itself, and slow does ten to twenty times the work for a token.
var models = []shape{
	{name: "tiny", ends: true, blocks: 1, heads: 1, keyLength: 32, feedForward: 32},
	{name: "endless", blocks: 1, heads: 1, keyLength: 32, feedForward: 32},
	{name: "slow", blocks: 4, heads: 2, keyLength: 32, feedForward: 1024},
}

func main() {
	dir := flag.String("o", "", "folder to write into; made when missing")
	flag.Parse()
	if *dir == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := writeAll(*dir); err != nil {
		fmt.Fprintln(os.Stderr, "tinymodel:", err)
		os.Exit(1)
	}
}

func writeAll(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	sp := learnSpeech(corpus)
	for _, s := range models {
		if err := writeModel(dir, s, sp); err != nil {
			return fmt.Errorf("model %s: %w", s.name, err)
		}
	}
	return nil
}

func writeModel(dir string, s shape, sp *speech) error {
	if err := s.llama(sp).writeFile(filepath.Join(dir, s.name+".gguf")); err != nil {
		return err
	}
	// More threads than one slow models of this size down.
	text := fmt.Sprintf("FROM ./%s.gguf\nTEMPLATE \"\"\"%s\"\"\"\nPARAMETER stop %s\nPARAMETER num_thread 1\n",
		s.name, chatML, tokenEnd)
	return os.WriteFile(filepath.Join(dir, "Modelfile."+s.name), []byte(text), 0o644)
}
