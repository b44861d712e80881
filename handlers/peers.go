package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"convoy/templates"
)

// connectWait bounds one attempt to reach a node by name.
const connectWait = 10 * time.Second

// connected is an answer to POST /peers.
type connected struct {
	Connected bool   `json:"connected"`
	Reason    string `json:"reason,omitempty"`
}

// POST /peers
func (h *Handlers) connectPeer(w http.ResponseWriter, r *http.Request) error {
	target, err := readTarget(w, r)
	if err != nil {
		return err
	}
	tell(r.Context(), target, "")
	ctx, cancel := contextWithTimeout(r, connectWait)
	defer cancel()
	answer := connected{Connected: true}
	if err := h.Cluster.Connect(ctx, target); err != nil {
		answer = connected{Reason: err.Error()}
	}
	h.Log.Info("connect asked for", "user", sessionOf(r).User, "addr", h.addrOf(r), "connected", answer.Connected)
	if r.Header.Get("HX-Request") == "" {
		return writeJSON(w, http.StatusOK, answer)
	}
	notice := templates.Notice{Level: "info", Text: "Connected to " + target + "."}
	if !answer.Connected {
		notice = templates.Notice{
			Level: "error",
			Text:  sentence(answer.Reason),
			Hint:  "The node must be reachable on its gossip port, and have the same cookie.",
		}
	}
	return h.set.Render(w, http.StatusOK, "notice", notice)
}

// readTarget decodes a form, or JSON.
func readTarget(w http.ResponseWriter, r *http.Request) (string, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	var ask struct{ Target string }
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if err := r.ParseForm(); err != nil {
			return "", badRequest("the form cannot be read")
		}
		ask.Target = r.PostForm.Get("target")
	} else if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
		return "", badBody(err)
	}
	target := strings.TrimSpace(ask.Target)
	if target == "" || len(target) > 300 {
		return "", badRequest("target must be a node's name or address, such as convoy@host:4444")
	}
	return target, nil
}
