package fleet

import (
	"context"
	"time"
)

// joinPatience is how long a node may run without joining until the fleet looks for the reason, and then how often it
// looks again.
const joinPatience = 30 * time.Second

// JoinFunc makes the node of a name a member. It returns the reason if it cannot, as a text for users: what it tried,
// and what to do.
type JoinFunc func(ctx context.Context, name string) error

// watchJoining starts a watcher for each row whose node is running but has not joined. f.mu must be held.
func (f *Fleet) watchJoining() {
	if f.cfg.Join == nil || f.closed || f.ctx == nil {
		return
	}
	for _, r := range f.rows {
		if status, _ := r.status(); status == Joining && !r.watched && r.name != f.cfg.Self {
			r.watched = true
			f.group.Go(func() { f.explainJoining(r) })
		}
	}
}

// explainJoining tries to make a node a member and shows why it is none, again and again until it joins or ends.
func (f *Fleet) explainJoining(r *row) {
	tick := time.NewTicker(f.patience)
	defer tick.Stop()
	for f.stillJoining(r) {
		select {
		case <-tick.C:
		case <-f.ctx.Done():
			return
		}
		if !f.stillJoining(r) {
			continue
		}
		err := f.cfg.Join(f.ctx, r.name)
		if f.ctx.Err() != nil {
			return
		}
		f.explain(r, err)
	}
}

// explain shows the reason, nil if there is none, and logs another one than before.
func (f *Fleet) explain(r *row, err error) {
	was, is := "", ""
	f.update(func(time.Time) {
		was = r.joinErr
		if status, _ := r.status(); err != nil && status == Joining {
			is = err.Error()
		}
		r.joinErr = is
	})
	if is != was && is != "" {
		f.cfg.Log.Warn("node does not join", "node", r.name, "err", is)
	}
}

// stillJoining reports whether to keep watching a row. If not, it clears the row's reason.
func (f *Fleet) stillJoining(r *row) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	status, _ := r.status()
	r.watched = status == Joining && f.rows[r.name] == r
	if !r.watched {
		r.joinErr = ""
	}
	return r.watched
}
