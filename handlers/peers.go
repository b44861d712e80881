package handlers

import (
	"context"
	"net/http"
	"strings"
	"time"

	"convoy/handlers/session"
	"convoy/handlers/web"
	"convoy/templates"
)

// connectWait bounds one attempt to join a node.
const connectWait = 10 * time.Second

const connectHint = "the node must be reachable on its gossip port, and have the same cookie"

// connected is the response to POST /peers.
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
	session.Describe(r.Context(), target, "")
	ctx, cancel := context.WithTimeout(r.Context(), connectWait)
	defer cancel()
	response := connected{Connected: true}
	if err := h.Cluster.Connect(ctx, target); err != nil {
		response = connected{Reason: err.Error()}
	}
	h.Log.Info("connection requested", "user", session.Of(r).User, "addr", web.Addr(r), "connected", response.Connected)
	switch {
	case web.IsHTMX(r):
	case !web.WantsHTML(r):
		return web.WriteJSON(w, http.StatusOK, response)
	case response.Connected:
		return backToConsole(w)
	default:
		return web.NewError(http.StatusBadGateway, response.Reason, connectHint)
	}
	notice := templates.Notice{Level: "info", Text: "Connected to " + target + "."}
	if !response.Connected {
		notice = templates.Notice{
			Level: "error",
			Text:  web.Sentence(response.Reason),
			Hint:  web.Sentence(connectHint),
		}
	}
	return h.site.Render(w, http.StatusOK, "notice", notice)
}

func readTarget(w http.ResponseWriter, r *http.Request) (string, error) {
	var ask struct{ Target string }
	if err := web.ReadOptions(w, r, &ask); err != nil {
		return "", err
	}
	target := strings.TrimSpace(ask.Target)
	if target == "" || len(target) > 300 {
		return "", web.BadRequest("target must be a node's name or address, such as convoy@host:4444")
	}
	return target, nil
}
