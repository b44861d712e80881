// Package weather is the test kit for bad networks: a proxy that delays, cuts, doubles and reorders requests, and a
// reader of the protocol that has to get everything through it all the same.
package weather

import (
	"math"
	"math/rand/v2"
	"time"
)

// Weather is how bad a network is.
type Weather struct {
	Cut    float64       // part of all POSTs whose connection is cut, at any byte of the question or of the answer
	Copy   float64       // part of all POSTs that arrive twice
	Delay  time.Duration // POSTs take up to this much longer, so that they overtake one another
	Stream float64       // bytes of a stream that arrive before it is cut, at most; fewer more often
}

// Any is weather of any kind, from light to very bad.
func Any(r *rand.Rand) Weather {
	return Weather{
		Cut:    0.7 * r.Float64(),
		Copy:   0.5 * r.Float64(),
		Delay:  time.Duration(r.IntN(6)) * time.Millisecond,
		Stream: float64(int(2<<10) << r.IntN(5)),
	}
}

// fate is what happens to one request.
type fate struct {
	early    bool          // a copy arrives first, or at the same time
	late     time.Duration // a copy arrives so long after it; 0: none
	delay    time.Duration // until it goes on
	asked    int           // bytes of it that arrive before both ends lose the connection; -1: it arrives
	answered int           // bytes of the answer that arrive before that; -1: all
	deaf     bool          // only the client loses it: the server believes that the client is still there
	lag      time.Duration // each piece of the answer takes up to so much longer
}

// calm is the fate of requests in good weather.
var calm = fate{asked: -1, answered: -1}

// draw draws the fate of a request of n bytes. A post may be copied; a stream, which lasts longer, is cut more often.
func (w Weather) draw(r *rand.Rand, n int, post bool) fate {
	f := calm
	cut, least, most := math.Sqrt(w.Cut), 700.0, w.Stream
	if post {
		cut, least, most = w.Cut, 1, 1000
		f.delay = upTo(r, w.Delay)
		if r.Float64() < w.Copy {
			f.early = r.IntN(2) == 0
			f.late = upTo(r, 3*w.Delay)
		}
	}
	f.lag = upTo(r, w.Delay/4)
	if r.Float64() >= cut {
		return f
	}
	f.deaf = r.IntN(4) == 0
	if r.IntN(3) == 0 && post {
		f.asked = r.IntN(n + 1)
	} else {
		f.answered = int(least*math.Pow(most/least, r.Float64())) - 1
	}
	return f
}

func upTo(r *rand.Rand, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(most)))
}
