package live

import (
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"

	"convoy/handlers/session"
	"convoy/internal/testkit"
	"convoy/pty"
)

// A shell that is followed again sends nothing of the earlier follow after the first event of the new one: an old size
// would undo a new one.
func TestFollow_Again(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sizes := make(chan pty.Size, 1)
		output := func(ctx context.Context, _ At, _ pty.Viewer) iter.Seq2[pty.Event, error] {
			return func(yield func(pty.Event, error) bool) {
				yield(pty.Event{Kind: pty.Resize, Size: <-sizes}, nil)
				<-ctx.Done()
			}
		}
		reader := &tab{
			Stream:  Stream{Output: output},
			hub:     &Hub{Follows: session.NewQuota("followed shells", 2, 0, 2)},
			ctx:     t.Context(),
			follows: map[string]*follow{},
			ready:   true,
		}
		var sent []string
		turn := make(chan struct{})
		reader.send = func(_ string, data []byte) {
			if strings.Contains(string(data), `"cols":80`) {
				<-turn // as if the goroutine got no processor
			}
			sent = append(sent, string(data))
		}
		for _, cols := range []int{80, 120} {
			sizes <- pty.Size{Rows: 24, Cols: cols}
			testkit.Must(t, reader.follow(At{Node: "node", Shell: "shell"}))
			synctest.Wait()
		}
		close(turn)
		synctest.Wait()
		if len(sent) != 2 || !strings.Contains(sent[1], `"cols":120`) {
			t.Errorf("sent in this order: %q", sent)
		}
		reader.unfollow("node/shell")
		reader.group.Wait()
	})
}
