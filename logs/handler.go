package logs

import (
	"context"
	"log/slog"
)

// tee writes records to a ring and to the next handler.
type tee struct {
	ring *Ring
	next slog.Handler
	flat flattener
}

// Handler returns a handler that puts each record into the ring and hands it
// on to next, whose level counts for both.
func (r *Ring) Handler(next slog.Handler) slog.Handler { return &tee{ring: r, next: next} }

// Enabled asks the next handler.
func (t *tee) Enabled(ctx context.Context, level slog.Level) bool { return t.next.Enabled(ctx, level) }

// Handle keeps the record, then hands it on.
func (t *tee) Handle(ctx context.Context, r slog.Record) error {
	t.ring.add(t.flat.line(r))
	return t.next.Handle(ctx, r)
}

// WithAttrs returns a handler whose records all have these attributes.
func (t *tee) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &tee{ring: t.ring, next: t.next.WithAttrs(attrs), flat: t.flat.withAttrs(attrs)}
}

// WithGroup returns a handler that puts attributes from now on into a group.
func (t *tee) WithGroup(name string) slog.Handler {
	return &tee{ring: t.ring, next: t.next.WithGroup(name), flat: t.flat.withGroup(name)}
}
