package notify

import (
	"context"
	"log/slog"
	"time"
)

// Retry calls try until it returns no error, or again is false, at most times times. Before the second call it waits
// for pause, and twice as long before each further one. It returns the last error, which is that of ctx if ctx ends
// while it waits.
func Retry(ctx context.Context, times int, pause time.Duration, try func() (again bool, err error)) error {
	for ; ; times, pause = times-1, 2*pause {
		again, err := try()
		if err == nil || !again || times <= 1 {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Serve passes what is queued to send, one after the other, until ctx ends. It logs how much is left then.
func Serve[T any](ctx context.Context, queue <-chan T, log *slog.Logger, send func(T)) {
	for {
		select {
		case one := <-queue:
			send(one)
		case <-ctx.Done():
			if n := len(queue); n > 0 {
				log.Warn("notifications not sent: the node ends", "count", n)
			}
			return
		}
	}
}
