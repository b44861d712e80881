package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"
)

// lineBytes bounds the text of a line: message, keys and values together.
const lineBytes = 8 << 10

// Attr is an attribute. Groups are part of the key: "a.b".
type Attr struct{ Key, Value string }

// Line is a line of the node's log.
type Line struct {
	Off     int64 // number of lines before it since the node's start
	Time    time.Time
	Level   slog.Level
	Message string
	Attrs   []Attr
}

// wireLine is the JSON of a Line; docs/protocol.md describes it.
type wireLine struct {
	Off     int64     `json:"off"`
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Attrs   wireAttrs `json:"attrs"`
}

// wireAttrs is a JSON object that keeps the order of its keys.
type wireAttrs []Attr

// MarshalJSON returns the JSON that docs/protocol.md describes. If a key occurs twice, the last one counts.
func (l Line) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireLine{l.Off, l.Time, levelName(l.Level), l.Message, l.Attrs})
}

// UnmarshalJSON reads what MarshalJSON returns.
func (l *Line) UnmarshalJSON(b []byte) error {
	var w wireLine
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(w.Level)); err != nil {
		return fmt.Errorf("log line: %w", err)
	}
	*l = Line{Off: w.Off, Time: w.Time, Level: level, Message: w.Message, Attrs: w.Attrs}
	return nil
}

// MarshalJSON returns an object with each key once.
func (a wireAttrs) MarshalJSON() ([]byte, error) {
	last := make(map[string]int, len(a))
	for i, attr := range a {
		last[attr.Key] = i
	}
	b := []byte{'{'}
	for i, attr := range a {
		if last[attr.Key] != i {
			continue
		}
		key, err := json.Marshal(attr.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(attr.Value)
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// UnmarshalJSON reads an object of strings, or null.
func (a *wireAttrs) UnmarshalJSON(b []byte) error {
	*a = nil
	d := json.NewDecoder(bytes.NewReader(b))
	switch t, err := d.Token(); {
	case err != nil:
		return err
	case t == nil:
		return nil
	case t != json.Delim('{'):
		return fmt.Errorf("log line: attrs is not an object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value string
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("log line: attribute %q: %w", key, err)
		}
		*a = append(*a, Attr{key.(string), value}) // a key is always a string
	}
	return nil
}

// levelName returns the name of the next lower level.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARN"
	default:
		return "ERROR"
	}
}

// truncated returns the line with its text cut to lineBytes and marked with an ellipsis.
func (l Line) truncated() Line {
	left := lineBytes
	l.Message = truncate(l.Message, &left)
	for i := range l.Attrs {
		if left <= 0 {
			l.Attrs = append(l.Attrs[:i], Attr{"…", "cut"})
			break
		}
		a := &l.Attrs[i]
		a.Key = truncate(a.Key, &left)
		a.Value = truncate(a.Value, &left)
	}
	return l
}

// truncate returns at most *left bytes of s, and subtracts them from *left.
func truncate(s string, left *int) string {
	limit := max(0, *left)
	*left -= len(s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.Clone(s[:limit]) + "…" // a clone, because a slice would keep all of s in memory
}
