package logs

import (
	"context"
	"log/slog"
)

// tee is a handler that writes records to a ring and to the next handler.
type tee struct {
	ring *Ring
	next slog.Handler
	flat flattener
}

// Handler returns a handler that writes each record to the ring and to next, whose level applies to both.
func (r *Ring) Handler(next slog.Handler) slog.Handler { return &tee{ring: r, next: next} }

// Enabled implements slog.Handler.
func (t *tee) Enabled(ctx context.Context, level slog.Level) bool { return t.next.Enabled(ctx, level) }

// Handle implements slog.Handler.
func (t *tee) Handle(ctx context.Context, r slog.Record) error {
	t.ring.add(t.flat.line(r))
	return t.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (t *tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tee{ring: t.ring, next: t.next.WithAttrs(attrs), flat: t.flat.withAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (t *tee) WithGroup(name string) slog.Handler {
	return &tee{ring: t.ring, next: t.next.WithGroup(name), flat: t.flat.withGroup(name)}
}
