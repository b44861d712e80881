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

// lineBytes bounds the text of one line: message, keys and values together.
const lineBytes = 8 << 10

// Attr is one key with its value, as text. Groups are in the key: "a.b".
type Attr struct{ Key, Value string }

// Line is one record of the node's log.
type Line struct {
	Off     int64 // lines before it since the node's start
	Time    time.Time
	Level   slog.Level
	Message string
	Attrs   []Attr
}

// wireLine is a Line as docs/protocol.md has it.
type wireLine struct {
	Off     int64     `json:"off"`
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Attrs   wireAttrs `json:"attrs"`
}

// wireAttrs is an object that keeps the order of its keys.
type wireAttrs []Attr

// MarshalJSON writes the line as docs/protocol.md has it. Of attributes with
// one key the last counts.
func (l Line) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireLine{l.Off, l.Time, levelName(l.Level), l.Message, l.Attrs})
}

// UnmarshalJSON reads what MarshalJSON wrote.
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

// MarshalJSON writes the attributes as one object, each key once.
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
		return fmt.Errorf("log line: attrs are no object")
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
		*a = append(*a, Attr{key.(string), value}) // a key is a string, or Token would have failed
	}
	return nil
}

// levelWord names a level by the nearest word below it.
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

// bounded returns the line with its text cut to lineBytes, an ellipsis where
// something is missing.
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

// cut returns s, at most *left bytes of it, and takes them off left.
func truncate(s string, left *int) string {
	limit := max(0, *left)
	*left -= len(s)
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return strings.Clone(s[:limit]) + "…" // a clone, or the rest would stay in memory
}
