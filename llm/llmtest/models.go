package llmtest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Model is a model that the server has.
type Model struct {
	Name         string // with or without ":latest"
	Family       string // "": "llama"
	Context      int    // what it was made for
	Capabilities []string
	Loaded       int // the window it is in memory with, 0: it is not
	RemoteHost   string
	Modified     time.Time
}

// Tiny is the model that a Fake has unless it is told otherwise.
func Tiny() Model {
	return Model{Name: "tiny", Context: 32768, Capabilities: []string{"completion"}, Loaded: 8192,
		Modified: time.Date(2025, 11, 1, 9, 30, 0, 0, time.UTC)}
}

// SetModels replaces the list of models.
func (f *Fake) SetModels(models ...Model) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Models = models
}

func (m Model) tagged() string {
	if strings.Contains(m.Name, ":") {
		return m.Name
	}
	return m.Name + ":latest"
}

func (m Model) family() string {
	if m.Family == "" {
		return "llama"
	}
	return m.Family
}

func (m Model) digest() string { return fmt.Sprintf("%x", sha256.Sum256([]byte(m.tagged()))) }

func (m Model) details() map[string]any {
	return map[string]any{"parent_model": "", "format": "gguf", "family": m.family(),
		"families": []string{m.family()}, "parameter_size": "1.30M", "quantization_level": "F16"}
}

func (m Model) entry() map[string]any {
	return map[string]any{"name": m.tagged(), "model": m.tagged(), "size": 2719454,
		"digest": m.digest(), "details": m.details()}
}

func (m Model) markRemote(e map[string]any) {
	if m.RemoteHost != "" {
		e["remote_host"], e["remote_model"] = m.RemoteHost, m.Name
	}
}

func (f *Fake) tags(w http.ResponseWriter) {
	list := []map[string]any{}
	for _, m := range f.models() {
		e := m.entry()
		e["modified_at"] = m.Modified
		m.markRemote(e)
		list = append(list, e)
	}
	reply(w, http.StatusOK, map[string]any{"models": list})
}

func (f *Fake) ps(w http.ResponseWriter) {
	f.mu.Lock()
	expires := f.expires
	f.mu.Unlock()
	list := []map[string]any{}
	for _, m := range f.models() {
		if m.Loaded == 0 {
			continue
		}
		e := m.entry()
		e["size_vram"], e["context_length"] = 0, m.Loaded
		e["expires_at"] = expires
		list = append(list, e)
	}
	reply(w, http.StatusOK, map[string]any{"models": list})
}

func (f *Fake) show(w http.ResponseWriter, req Request) {
	var body struct {
		Model string `json:"model"`
		Name  string `json:"name"`
	}
	if err := json.Unmarshal(req.Body, &body); err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	m, ok := f.find(body.Model)
	if !ok {
		notFound(w, body.Model)
		return
	}
	info := map[string]any{"general.architecture": m.family()}
	if m.Context > 0 {
		info[m.family()+".context_length"] = m.Context
	}
	answer := map[string]any{"details": m.details(), "model_info": info, "modified_at": m.Modified}
	if m.Capabilities != nil {
		answer["capabilities"] = m.Capabilities
	}
	m.markRemote(answer)
	reply(w, http.StatusOK, answer)
}

// generate knows what it is used for: loading, unloading, and a question of one
// token to see whether the model is idle.
func (f *Fake) generate(w http.ResponseWriter, r *http.Request, req Request) {
	var body struct {
		Model     string         `json:"model"`
		Prompt    string         `json:"prompt"`
		KeepAlive any            `json:"keep_alive"`
		Options   map[string]any `json:"options"`
	}
	if err := json.Unmarshal(req.Body, &body); err != nil {
		reply(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	if _, ok := f.find(body.Model); !ok {
		notFound(w, body.Model)
		return
	}
	f.mu.Lock()
	reason, idle := "stop", f.idle
	switch {
	case body.Prompt == "" && (body.KeepAlive == "0s" || body.KeepAlive == 0.0):
		reason = "unload"
		f.load(body.Model, 0)
		f.setBusy(false)
	case body.Prompt == "":
		reason = "load"
		window, _ := body.Options["num_ctx"].(float64)
		f.load(body.Model, max(int(window), 1))
	}
	busy := f.busy
	f.mu.Unlock()
	if busy && body.Prompt != "" {
		select {
		case <-idle:
		case <-r.Context().Done():
			return
		}
	}
	reply(w, http.StatusOK, map[string]any{"model": body.Model, "created_at": time.Now().UTC(),
		"response": "", "done": true, "done_reason": reason})
}

func (f *Fake) models() []Model {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.Models)
}

func (f *Fake) find(name string) (Model, bool) {
	want := Model{Name: name}.tagged()
	for _, m := range f.models() {
		if strings.EqualFold(m.tagged(), want) {
			return m, true
		}
	}
	return Model{}, false
}

// load changes what is in memory. f.mu is held, and the list is the test's own:
// it is replaced, not written to.
func (f *Fake) load(name string, window int) {
	want := Model{Name: name}.tagged()
	f.Models = slices.Clone(f.Models)
	for i, m := range f.Models {
		if strings.EqualFold(m.tagged(), want) {
			f.Models[i].Loaded = window
		}
	}
}
