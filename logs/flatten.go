package logs

import (
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// flattener converts records to lines. It holds the attributes and groups of a handler; withAttrs and withGroup return
// a copy.
type flattener struct {
	prefix string // open groups, "a.b."
	attrs  []Attr
}

func (f flattener) withAttrs(attrs []slog.Attr) flattener {
	f.attrs = slices.Clip(f.attrs) // the next append copies
	for _, a := range attrs {
		f.attrs = flatten(f.attrs, f.prefix, a)
	}
	return f
}

func (f flattener) withGroup(name string) flattener {
	if name != "" {
		f.prefix += name + "."
	}
	return f
}

// line returns a line without offset.
func (f flattener) line(r slog.Record) Line {
	l := Line{Time: r.Time.UTC(), Level: r.Level, Message: r.Message}
	if r.Time.IsZero() {
		l.Time = time.Now().UTC()
	}
	l.Attrs = make([]Attr, len(f.attrs), len(f.attrs)+r.NumAttrs())
	copy(l.Attrs, f.attrs)
	r.Attrs(func(a slog.Attr) bool {
		l.Attrs = flatten(l.Attrs, f.prefix, a)
		return true
	})
	return l
}

// flatten appends an attribute, or those of a group. It ignores empty attributes, as package slog requires.
func flatten(to []Attr, prefix string, a slog.Attr) []Attr {
	v := a.Value.Resolve()
	if a.Key == "" && v.Equal(slog.Value{}) {
		return to
	}
	if v.Kind() != slog.KindGroup {
		return append(to, Attr{prefix + a.Key, text(v)})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, sub := range v.Group() {
		to = flatten(to, prefix, sub)
	}
	return to
}

// text formats a value.
func text(v slog.Value) string {
	switch v.Kind() {
	case slog.KindTime:
		return v.Time().UTC().Format(time.RFC3339Nano)
	case slog.KindAny:
		if b, ok := v.Any().([]byte); ok {
			return string(b)
		}
		return fmt.Sprintf("%+v", v.Any())
	default:
		return v.String()
	}
}
