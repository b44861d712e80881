package logs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// JSONHandler writes each record from that level on as one JSON object with
// the keys time, level and message, as Railway reads them. A writer that hangs
// does not hold up the program: lines are then dropped and counted.
func JSONHandler(w io.Writer, level slog.Leveler) slog.Handler {
	out := &asyncWriter{w: w, notice: jsonNotice}
	return slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: railwayAttr})
}

func jsonNotice(dropped int) []byte {
	return fmt.Appendf(nil, `{"level":"warn","message":%q,"n":%d}`+"\n", droppedMessage, dropped)
}

// railwayAttr gives the built-in attributes the names that Railway knows, and durations their unit.
func railwayAttr(groups []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.MessageKey:
		a.Key = "message"
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(strings.ToLower(levelName(level)))
		}
	}
	return a
}
