package llm

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"career.nvim/llm/ollama"
)

// This file owns what the user is told of errors: one sentence that says what
// went wrong, one that says what to try. The whole chain goes to the log.

var (
	errNoModel    = errors.New("no local model can complete text")
	errEmpty      = errors.New("no text to work on")
	errBinary     = errors.New("text holds NUL bytes")
	errCannotJoin = errors.New("answers about the parts do not fit a request together")
)

type tooOldError struct{ version string }

func (e *tooOldError) Error() string { return "server version " + e.version }

type cannotCompleteError struct{ model string }

func (e *cannotCompleteError) Error() string {
	return "model " + e.model + " has no completion capability"
}

type unknownStyleError struct {
	style string
	known []string
}

func (e *unknownStyleError) Error() string { return "unknown style" }

type encodingError struct{ line int }

func (e *encodingError) Error() string {
	return fmt.Sprintf("invalid UTF-8 in line %d", e.line)
}

type smallWindowError struct {
	window int
	model  string
}

func (e *smallWindowError) Error() string {
	return fmt.Sprintf("window of %d tokens is too small", e.window)
}

// partError says which lines were being read when a job failed.
type partError struct {
	first, last int
	err         error
}

func (e *partError) Error() string { return fmt.Sprintf("lines %d-%d: %v", e.first, e.last, e.err) }
func (e *partError) Unwrap() error { return e.err }

// settingError is a value of the configuration that can't be used.
type settingError struct{ err error }

func (e *settingError) Error() string { return e.err.Error() }
func (e *settingError) Unwrap() error { return e.err }

// Say turns an error into what the user reads.
func Say(err error) string {
	var (
		oe     *ollama.Error
		old    *tooOldError
		cannot *cannotCompleteError
		style  *unknownStyleError
		enc    *encodingError
		small  *smallWindowError
		cut    *notWholeError
		part   *partError
		prompt *PromptError
		wrong  *settingError
	)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled):
		return "Stopped."
	case errors.As(err, &part):
		return fmt.Sprintf("Lines %d to %d could not be read, so there is no summary. %s", part.first, part.last, Say(part.err))
	case errors.Is(err, errNoModel):
		return "Ollama has no local model that can write text. Get one with: ollama pull qwen3:4b"
	case errors.Is(err, errEmpty):
		return "There is no text to work on. Write something first, or choose a range that has some."
	case errors.Is(err, errBinary):
		return "The buffer holds binary data, which no model can read. Choose a range that is text."
	case errors.Is(err, errCannotJoin):
		return "The note is too long to be joined in this model's window. Set a larger context, or choose a range."
	case errors.As(err, &old):
		return fmt.Sprintf("The Ollama server is version %s, which is too old. Update it to %d.%d.%d or newer.", old.version, oldestServer[0], oldestServer[1], oldestServer[2])
	case errors.As(err, &cannot):
		return fmt.Sprintf("The model %s can't write text. Choose another with :CareerModel.", cannot.model)
	case errors.As(err, &style):
		return fmt.Sprintf("There is no style %q. Try one of: %s.", style.style, strings.Join(style.known, ", "))
	case errors.As(err, &enc):
		return fmt.Sprintf("Line %d is not valid UTF-8. Reload the file in its own encoding, for example with :e ++enc=latin1", enc.line)
	case errors.As(err, &small):
		return fmt.Sprintf("The window of %s tokens is too small for the prompt and any text. Set a larger context.", thousands(small.window))
	case errors.As(err, &cut):
		return fmt.Sprintf("The model did not read the whole text, not even in small parts (window of %s tokens). Try another model or a newer Ollama.", thousands(cut.Window))
	case errors.As(err, &prompt):
		return fmt.Sprintf("The prompt file %s is broken: %v. Correct it, or take it away.", place(prompt), prompt.Err)
	case errors.As(err, &wrong):
		return fmt.Sprintf("A setting can't be used: %v. Correct it in your configuration.", wrong.err)
	case errors.As(err, &oe):
		return sayServer(oe)
	}
	return "Something unexpected went wrong. Look at the log, then try again."
}

func place(e *PromptError) string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return e.File
}

func sayServer(e *ollama.Error) string {
	detail := ""
	if e.Detail != "" {
		detail = " (" + clip(e.Detail, 80) + ")"
	}
	switch e.Kind {
	case ollama.NotRunning:
		return fmt.Sprintf("Ollama does not answer at %s. Start it with: ollama serve", e.Host)
	case ollama.NotOllama:
		return fmt.Sprintf("What answers at %s is not Ollama. Set host to your Ollama server.", e.Host)
	case ollama.NotFound:
		return fmt.Sprintf("The model %s is not installed. Get it with: ollama pull %s", e.Model, e.Model)
	case ollama.Busy:
		return "The Ollama server is busy and takes no more requests. Try again in a moment."
	case ollama.Refused:
		return fmt.Sprintf("The Ollama server at %s refuses the request%s. Look at its OLLAMA_ORIGINS and cloud settings.", e.Host, detail)
	case ollama.Cut:
		return "The connection to Ollama broke off; the text so far is kept. See whether the server still runs, then try again."
	case ollama.Incomplete:
		return "Ollama ended the answer before it was complete; the text so far is kept. Try again."
	case ollama.Garbage:
		return "Ollama sent something that can't be read; the text so far is kept. Try again, or look at what stands between Neovim and the server."
	case ollama.Remote:
		return fmt.Sprintf("%s is not on this machine, so nothing was sent. Choose a local model or host, or set allow_remote.", sayRemote(e))
	case ollama.BadRequest:
		return fmt.Sprintf("Ollama does not accept the request%s. Look at options in your configuration.", detail)
	}
	return fmt.Sprintf("Ollama reports an error%s. See the server's own log, then try again.", detail)
}

// clip shortens a server's words to so many bytes of whole characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.TrimSpace(s[:most]) + "…"
}

func sayRemote(e *ollama.Error) string {
	if e.Model != "" {
		return "The model " + e.Model
	}
	return "The server " + e.Host
}

// thousands writes 3412 as "3,412".
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
