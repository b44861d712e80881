package alerts

import (
	"time"

	"convoy/pty"
)

// longestRest is the longest time between two calls.
const longestRest = time.Hour

// calls are those of one alert for a shell that waits. A program that rings all the time, or asks again and again, must
// not make its user turn them off: each call after which nobody has typed doubles the time until the next one.
type calls struct {
	shortest time.Duration
	about    pty.State // of the last call
	last     time.Time
	rest     time.Duration
}

// wait is how long the next call has to wait. typed is when someone has last typed.
func (c *calls) wait(typed time.Time) time.Duration {
	rest := c.rest
	if typed.After(c.last) {
		rest = c.shortest
	}
	return max(0, time.Until(c.last.Add(rest)))
}

// made records a call.
func (c *calls) made(about pty.State, typed time.Time) {
	c.rest = min(max(2*c.rest, c.shortest), longestRest)
	if typed.After(c.last) {
		c.rest = c.shortest
	}
	c.about, c.last = about, time.Now()
}
