package logs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// timeLayout formats the time of a line.
const timeLayout = "15:04:05"

// textHandler writes each record as a line for people:
//
//	20:07:25 INFO  member joined  node=convoy@…
//
// It escapes control characters.
type textHandler struct {
	w     io.Writer
	level slog.Leveler
	flat  flattener
}

func textNotice(dropped int) []byte {
	return render(Line{
		Time: time.Now(), Level: slog.LevelWarn, Message: droppedMessage,
		Attrs: []Attr{{"n", strconv.Itoa(dropped)}},
	})
}

// Enabled implements slog.Handler.
func (h *textHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements slog.Handler.
func (h *textHandler) Handle(_ context.Context, r slog.Record) error {
	_, err := h.w.Write(render(h.flat.line(r).truncated()))
	return err
}

// WithAttrs implements slog.Handler.
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.flat = h.flat.withAttrs(attrs)
	return &next
}

// WithGroup implements slog.Handler.
func (h *textHandler) WithGroup(name string) slog.Handler {
	next := *h
	next.flat = h.flat.withGroup(name)
	return &next
}

func render(l Line) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-6s%s", l.Time.Local().Format(timeLayout), levelName(l.Level), escape(l.Message))
	for i, a := range l.Attrs {
		if i == 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, " %s=%s", escape(a.Key), quoted(a.Value))
	}
	b.WriteByte('\n')
	return []byte(b.String())
}

// quoted returns a value unquoted if it is one plain word.
func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " \"'=\\") || escape(s) != s {
		return strconv.Quote(s)
	}
	return s
}

// escape escapes what could control a terminal: "\x1b".
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

// unprintable reports whether r must be escaped, such as invalid UTF-8.
func unprintable(r rune) bool { return r == utf8.RuneError || !strconv.IsPrint(r) }
