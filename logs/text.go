package logs

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// timeLayout formats the time of a line.
const timeLayout = "15:04:05"

func textNotice(dropped int) []byte {
	return render(Line{
		Time: time.Now(), Level: slog.LevelWarn, Message: droppedMessage,
		Attrs: []Attr{{"n", strconv.Itoa(dropped)}},
	})
}

// render returns a line for people, with control characters escaped:
//
//	20:07:25 INFO  member joined  node=convoy@…
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
