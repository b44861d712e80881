package faultproxy

import (
	"math"
	"math/rand/v2"
	"time"
)

// Faults are what happens to commands (POST) and event streams (/stream). Other requests are forwarded unharmed.
type Faults struct {
	Cut         float64       // fraction of POSTs whose connection is cut, at any byte of the request or the answer
	Repeat      float64       // fraction of POSTs that arrive twice
	Delay       time.Duration // maximum delay of a POST; they overtake one another
	StreamCut   float64       // fraction of streams that are cut,
	StreamBytes float64       // at any byte below this one, early ones more often
}

// Random returns faults of any degree, from few to very many.
func Random(r *rand.Rand) Faults {
	return Faults{
		Cut:         0.7 * r.Float64(),
		Repeat:      0.5 * r.Float64(),
		Delay:       time.Duration(r.IntN(6)) * time.Millisecond,
		StreamCut:   0.3 + 0.6*r.Float64(),
		StreamBytes: float64(int(2<<10) << r.IntN(4)),
	}
}

// fate is what happens to one request.
type fate struct {
	repeatFirst  bool          // a copy arrives before it
	repeatAfter  time.Duration // a copy arrives this long after it; 0: none
	delay        time.Duration // before it is forwarded
	requestBytes int           // that arrive before both ends lose the connection; -1: all, and they keep it
	answerBytes  int           // that arrive before the client loses the connection; -1: all
	half         bool          // only the client loses it: the server believes that the client is still there
	lag          time.Duration // before each piece of the answer
}

var harmless = fate{requestBytes: -1, answerBytes: -1}

const (
	headBytes   = 700  // of a stream's answer, before its first event
	answerBytes = 1000 // more than a POST's answer has
)

// post draws the fate of a POST of n bytes.
func (f Faults) post(r *rand.Rand, n int) fate {
	one := harmless
	one.delay, one.lag = upTo(r, f.Delay), upTo(r, f.Delay/4)
	if r.Float64() < f.Repeat {
		one.repeatFirst = r.IntN(2) == 0
		one.repeatAfter = upTo(r, 3*f.Delay)
	}
	switch {
	case r.Float64() >= f.Cut:
	case r.IntN(3) == 0:
		one.requestBytes = r.IntN(n + 1)
	default:
		one.answerBytes, one.half = logUniform(r, 1, answerBytes), r.IntN(4) == 0
	}
	return one
}

// stream draws the fate of a stream.
func (f Faults) stream(r *rand.Rand) fate {
	one := harmless
	one.lag = upTo(r, f.Delay/4)
	if r.Float64() < f.StreamCut {
		one.answerBytes, one.half = logUniform(r, headBytes, f.StreamBytes), r.IntN(4) == 0
	}
	return one
}

// logUniform draws a number of bytes below most. Each size is as likely as its double.
func logUniform(r *rand.Rand, least, most float64) int {
	return int(least*math.Pow(most/least, r.Float64())) - 1
}

func upTo(r *rand.Rand, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(most)))
}
