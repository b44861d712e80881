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
	Cut         float64       // part of all POSTs whose connection is cut, at any byte of the question or of the answer
	Copy        float64       // part of all POSTs that arrive twice
	Delay       time.Duration // POSTs take up to so much longer, so that they overtake one another
	StreamCut   float64       // part of all streams that are cut,
	StreamBytes float64       // at any byte up to this one, early ones more often
}

// Any is weather of any kind, from light to very bad.
func Any(r *rand.Rand) Weather {
	return Weather{
		Cut:         0.7 * r.Float64(),
		Copy:        0.5 * r.Float64(),
		Delay:       time.Duration(r.IntN(6)) * time.Millisecond,
		StreamCut:   0.3 + 0.6*r.Float64(),
		StreamBytes: float64(int(2<<10) << r.IntN(4)),
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

const (
	headBytes   = 700  // of a stream's answer, before its first event
	answerBytes = 1000 // more than a POST's answer has
)

// post draws the fate of a POST of n bytes.
func (w Weather) post(r *rand.Rand, n int) fate {
	f := calm
	f.delay, f.lag = upTo(r, w.Delay), upTo(r, w.Delay/4)
	if r.Float64() < w.Copy {
		f.early = r.IntN(2) == 0
		f.late = upTo(r, 3*w.Delay)
	}
	switch {
	case r.Float64() >= w.Cut:
	case r.IntN(3) == 0:
		f.asked = r.IntN(n + 1)
	default:
		f.answered, f.deaf = spread(r, 1, answerBytes), r.IntN(4) == 0
	}
	return f
}

// stream draws the fate of a stream.
func (w Weather) stream(r *rand.Rand) fate {
	f := calm
	f.lag = upTo(r, w.Delay/4)
	if r.Float64() < w.StreamCut {
		f.answered, f.deaf = spread(r, headBytes, w.StreamBytes), r.IntN(4) == 0
	}
	return f
}

// spread is a number of bytes below most, with every size as likely as its double.
func spread(r *rand.Rand, least, most float64) int {
	return int(least*math.Pow(most/least, r.Float64())) - 1
}

func upTo(r *rand.Rand, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(most)))
}
