package logs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// handler passes records on as lines without offset.
type handler struct {
	enabled func(context.Context, slog.Level) bool
	write   func(Line)
	prefix  string // open groups, "a.b."
	attrs   []Attr
}

// Handler returns a handler that writes each record to the ring and to next, whose level applies to both.
func (r *Ring) Handler(next slog.Handler) slog.Handler {
	return slog.NewMultiHandler(handler{enabled: next.Enabled, write: r.add}, next)
}

// Enabled implements slog.Handler.
func (h handler) Enabled(ctx context.Context, level slog.Level) bool { return h.enabled(ctx, level) }

// Handle implements slog.Handler.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	l := Line{Time: r.Time.UTC(), Level: r.Level, Message: r.Message}
	if r.Time.IsZero() {
		l.Time = time.Now().UTC()
	}
	l.Attrs = make([]Attr, len(h.attrs), len(h.attrs)+r.NumAttrs())
	copy(l.Attrs, h.attrs)
	for a := range r.Attrs {
		l.Attrs = flatten(l.Attrs, h.prefix, a)
	}
	h.write(l.truncated())
	return nil
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.attrs = slices.Clip(h.attrs) // the next append copies
	for _, a := range attrs {
		h.attrs = flatten(h.attrs, h.prefix, a)
	}
	return h
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler {
	if name != "" {
		h.prefix += name + "."
	}
	return h
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
