package logs

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// clock is how a person's log tells the time.
const timeLayout = "15:04:05"

// textHandler writes lines for a person at a terminal.
type textHandler struct {
	w     io.Writer
	level slog.Leveler
	flat  flattener
}

// TextHandler writes each record from that level on as one line for a person:
// "20:07:25 INFO  member joined  node=convoy@…". Control characters are shown,
// not obeyed. A writer that hangs does not hold up the program.
func TextHandler(w io.Writer, level slog.Leveler) slog.Handler {
	return &textHandler{level: level, w: &asyncWriter{w: w, notice: func(dropped int) []byte {
		return renderText(Line{
			Time: time.Now(), Level: slog.LevelWarn, Message: droppedMessage,
			Attrs: []Attr{{"n", strconv.Itoa(dropped)}},
		})
	}}}
}

// Enabled compares with the handler's level.
func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle writes the record in one piece.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	_, err := h.w.Write(renderText(h.flat.line(r).truncated()))
	return err
}

// WithAttrs returns a handler whose records all have these attributes.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.flat = h.flat.withAttrs(attrs)
	return &next
}

// WithGroup returns a handler that puts attributes from now on into a group.
func (h *textHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.flat = h.flat.withGroup(name)
	return &next
}

// renderText is a line of a person's log, with its end.
func renderText(l Line) []byte {
	var b strings.Builder
	b.WriteString(l.Time.Local().Format(timeLayout))
	b.WriteByte(' ')
	word := levelName(l.Level)
	b.WriteString(word)
	b.WriteString(strings.Repeat(" ", len("ERROR")-len(word)+1))
	b.WriteString(escape(l.Message))
	for i, a := range l.Attrs {
		if i == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(' ')
		b.WriteString(escape(a.Key) + "=")
		b.WriteString(quoted(a.Value))
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

// quoted returns a value as it stands if it is one plain word, else quoted.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \"'=\\") || escape(s) != s {
		return strconv.Quote(s)
	}
	return s
}

// visible replaces what a terminal might obey by its escape: "\x1b".
func escape(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	var b strings.Builder
	for i, n := 0, 0; i < len(s); i += n {
		var r rune
		r, n = utf8.DecodeRuneInString(s[i:])
		if !unprintable(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.Quote(s[i : i+n])
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// unprintable reports whether r is not to be shown as it is; bytes that are no
// UTF-8 count among them.
func unprintable(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
