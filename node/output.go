package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"convoy/logs"
)

// stdoutHandler writes the log to standard output: for people if that is a terminal, else JSON.
func (n *node) stdoutHandler() slog.Handler {
	if n.cfg.LogFormat == "text" || n.cfg.LogFormat == "auto" && n.isTerminal() {
		return logs.TextHandler(n.stdout, n.cfg.LogLevel)
	}
	return logs.JSONHandler(n.stdout, n.cfg.LogLevel)
}

func (n *node) isTerminal() bool {
	file, ok := n.stdout.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// announce says that the node is ready: a spawned one to its parent, any other to the person who started it. The token
// is shown only if it was made here, and only on standard output: it is never in the log that others can read.
func (n *node) announce(ctx context.Context, fail context.CancelCauseFunc) error {
	if n.cfg.Spawned {
		return n.announceToParent(ctx, fail)
	}
	text := "log in at " + n.url() + " with the token in CONVOY_TOKEN"
	if n.cfg.GeneratedToken {
		text = "open " + n.url() + "?token=" + n.cfg.Token
	}
	if n.cfg.LogFormat == "text" || n.cfg.LogFormat == "auto" && n.isTerminal() {
		_, err := fmt.Fprintf(n.stdout, "\n  Convoy is ready: %s\n\n", text)
		return err
	}
	line, err := json.Marshal(struct {
		Time    time.Time `json:"time"`
		Level   string    `json:"level"`
		Message string    `json:"message"`
	}{time.Now().UTC(), "info", text})
	if err != nil {
		return err
	}
	_, err = n.stdout.Write(append(line, '\n'))
	return err
}
