package logs

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// jsonHandler writes each record as a JSON object with the keys time, level and message, as Railway expects.
func jsonHandler(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: railwayAttr})
}

func jsonNotice(dropped int) []byte {
	return fmt.Appendf(nil, `{"level":"warn","message":%q,"n":%d}`+"\n", droppedMessage, dropped)
}

// railwayAttr renames the built-in attributes for Railway, and formats durations.
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
