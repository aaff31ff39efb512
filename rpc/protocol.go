package rpc

import (
	"time"

	"career.nvim/llm"
)

// Protocol is the number of the wire's version. The Lua half refuses a program
// that speaks another; raise it with every change of what stands in this file.
const Protocol = 1

// hello is the answer to the handshake.
type hello struct {
	Protocol int    `msgpack:"protocol"`
	Version  string `msgpack:"version"`
}

// settings are what each request carries of the user's configuration.
type settings struct {
	Host        string         `msgpack:"host"`
	AllowRemote bool           `msgpack:"allow_remote"`
	Model       string         `msgpack:"model"`
	Context     int            `msgpack:"context"`
	KeepAlive   string         `msgpack:"keep_alive"`
	Think       any            `msgpack:"think"`
	Options     map[string]any `msgpack:"options"`
	Prompts     []string       `msgpack:"prompts"`
}

func (s settings) llm() llm.Settings { return llm.Settings(s) }

// note is the text of a range.
type note struct {
	Text     string `msgpack:"text"`
	Line     int    `msgpack:"line"`
	Name     string `msgpack:"name"`
	Filetype string `msgpack:"filetype"`
}

func (n note) llm() llm.Note { return llm.Note(n) }

// Kinds of events. Each job ends with exactly one of the last three.
const (
	eventText      = "text"    // text follows what came before
	eventPhase     = "phase"   // data is a phase
	eventRetract   = "retract" // all text so far is taken back
	eventDone      = "done"
	eventCancelled = "cancelled"
	eventFailed    = "failed"
)

// phase is the data of eventPhase.
type phase struct {
	Name   string  `msgpack:"name"`
	Tokens int     `msgpack:"tokens"`
	Rate   float64 `msgpack:"rate"`
	Part   int     `msgpack:"part"`
	Parts  int     `msgpack:"parts"`
}

// last is the data of a job's last event.
type last struct {
	Error  string `msgpack:"error,omitempty"`  // one sentence and one thing to try
	Notice string `msgpack:"notice,omitempty"` // of a job that is done
	Stats  stats  `msgpack:"stats"`
	Result any    `msgpack:"result,omitempty"` // of a job that asks for data
}

type stats struct {
	Model           string  `msgpack:"model"`
	Requests        int     `msgpack:"requests"`
	Cached          int     `msgpack:"cached"`
	Parts           int     `msgpack:"parts"`
	PromptTokens    int     `msgpack:"prompt_tokens"`
	OutputTokens    int     `msgpack:"output_tokens"`
	FirstTokenMS    float64 `msgpack:"ttft_ms"`
	TotalMS         float64 `msgpack:"total_ms"`
	TokensPerSecond float64 `msgpack:"tokens_per_second"`
	Context         int     `msgpack:"context"`
}

func wireStats(s llm.Stats) stats {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return stats{
		Model: s.Model, Requests: s.Requests, Cached: s.Cached, Parts: s.Parts,
		PromptTokens: s.PromptTokens, OutputTokens: s.OutputTokens,
		FirstTokenMS: ms(s.FirstToken), TotalMS: ms(s.Total),
		TokensPerSecond: s.TokensPerSecond, Context: s.Context,
	}
}
