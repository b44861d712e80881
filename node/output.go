package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"convoy/version"
)

// logsText reports whether the log is text, as on a terminal, rather than JSON.
func logsText(cfg Config, stdout io.Writer) bool {
	file, ok := stdout.(*os.File)
	if !ok || cfg.LogFormat != "auto" {
		return cfg.LogFormat == "text"
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// reportReady reports that the node is ready: to the parent of a spawned node, else to the user. It prints a generated
// token only to standard output, never to the log that others can read.
func (n *node) reportReady(ctx context.Context, fail context.CancelCauseFunc) error {
	if err := n.cfg.Supervisor.Ready(version.String()); err != nil {
		return err
	}
	if n.cfg.Spawned {
		return n.reportToParent(ctx, fail)
	}
	text := "log in at " + n.url() + " with the token in CONVOY_TOKEN"
	if n.cfg.GeneratedToken {
		text = "open " + n.url() + "?token=" + n.cfg.Token
	}
	if n.stdout.Text() {
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
