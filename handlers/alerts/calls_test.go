package alerts

import (
	"testing"
	"time"

	"convoy/pty"
)

// A shell that waits all the time calls its user a few times a day, until someone types.
func TestCalls_Double(t *testing.T) {
	t.Parallel()
	const shortest = 10 * time.Second
	var c calls
	if c.wait(time.Time{}, shortest) != 0 {
		t.Error("the first call waits")
	}
	made, day := 0, time.Duration(0)
	for ; day < 24*time.Hour; day += c.Rest {
		c.made(pty.State{}, time.Time{}, shortest)
		made++
		if wait := c.wait(time.Time{}, shortest); wait <= c.Rest-time.Minute || wait > c.Rest {
			t.Fatalf("the next call waits for %v, want %v", wait, c.Rest)
		}
	}
	if made > 35 {
		t.Errorf("%d calls in a day", made)
	}
	typed := c.Last.Add(time.Nanosecond)
	if wait := c.wait(typed, shortest); wait > shortest {
		t.Errorf("after a key, the next call waits for %v", wait)
	}
	if c.made(pty.State{}, typed, shortest); c.Rest != shortest {
		t.Errorf("then it rests for %v", c.Rest)
	}
}
