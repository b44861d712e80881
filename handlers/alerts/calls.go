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
	About pty.State // of the last call
	Last  time.Time
	Rest  time.Duration
}

// wait is how long the next call has to wait. typed is when someone has last typed, shortest the shortest rest.
func (c *calls) wait(typed time.Time, shortest time.Duration) time.Duration {
	rest := c.Rest
	if typed.After(c.Last) {
		rest = shortest
	}
	return max(0, time.Until(c.Last.Add(rest)))
}

// made records a call.
func (c *calls) made(about pty.State, typed time.Time, shortest time.Duration) {
	c.Rest = min(max(2*c.Rest, shortest), longestRest)
	if typed.After(c.Last) {
		c.Rest = shortest
	}
	c.About, c.Last = about, time.Now()
}
