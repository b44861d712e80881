package access

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

var midday = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// Parallel attempts count like sequential ones: a failure is counted before the check.
func TestThrottle_ReservesBeforeTheCheck(t *testing.T) {
	t.Parallel()
	var throttle Throttle
	var tries sync.WaitGroup
	checked := make(chan func(Outcome), 40)
	for range cap(checked) {
		tries.Go(func() {
			if settle, _ := throttle.Reserve(midday, "192.0.2.7:1", "ann"); settle != nil {
				checked <- settle
			}
		})
	}
	tries.Wait()
	if len(checked) != freeAttempts {
		t.Errorf("%d of %d at once are checked, want %d", len(checked), cap(checked), freeAttempts)
	}
}

// The outcome of an attempt affects the following ones.
func TestThrottle_Outcomes(t *testing.T) {
	t.Parallel()
	const addr, name = "192.0.2.7:1", "ann"
	try := func(throttle *Throttle, at time.Time, addr, name string, v Outcome) time.Duration {
		settle, wait := throttle.Reserve(at, addr, name)
		if settle != nil {
			settle(v)
		}
		return wait
	}
	for _, test := range []struct {
		name        string
		before      []Outcome
		addr, login string
		after       time.Duration
		wait        time.Duration
	}{
		{"three wrong", []Outcome{Failure, Failure, Failure}, addr, name, 0, time.Second},
		{"three wrong, a second later", []Outcome{Failure, Failure, Failure}, addr, name, time.Second, 0},
		{"three wrong, another name", []Outcome{Failure, Failure, Failure}, addr, "vic", 0, time.Second},
		{"three wrong, another address", []Outcome{Failure, Failure, Failure}, "192.0.2.8:1", name, 0, time.Second},
		{"three wrong, others", []Outcome{Failure, Failure, Failure}, "192.0.2.8:1", "vic", 0, 0},
		{"three undecided", []Outcome{Unchecked, Unchecked, Unchecked}, addr, name, 0, 0},
		{"two wrong, then right", []Outcome{Failure, Failure, Success}, addr, name, 0, 0},
		{"right gives the address nothing to guess with", []Outcome{Failure, Failure, Success, Failure, Failure, Failure},
			addr, "vic", 0,
			0},
		{"forgiven", []Outcome{Failure, Failure, Failure}, addr, name, forgetAfter + time.Second, 0},
	} {
		var throttle Throttle
		for _, v := range test.before {
			try(&throttle, midday, addr, name, v)
		}
		if wait := throttle.Wait(midday.Add(test.after), test.addr, test.login); wait != test.wait {
			t.Errorf("%s: %v to wait, want %v", test.name, wait, test.wait)
		}
	}
}

// A user who has logged in from an address is delayed neither by guesses at that address, nor by guesses at the name.
func TestThrottle_OwnerIsNotLockedOut(t *testing.T) {
	t.Parallel()
	const home = "192.0.2.7:1"
	var throttle Throttle
	settle, _ := throttle.Reserve(midday, home, "ann")
	settle(Success)
	for i := range 2000 {
		at := midday.Add(time.Duration(i) * time.Second)
		throttle.Reserve(at, fmt.Sprintf("198.51.%d.%d:1", i/250, i%250), "ann")
		throttle.Reserve(at, home, fmt.Sprintf("name-%d", i%7))
		throttle.Reserve(at, home, "")
	}
	at := midday.Add(2000 * time.Second)
	if wait := throttle.Wait(at, home, "ann"); wait > 0 {
		t.Errorf("ann waits %v at home", wait)
	}
	if wait := throttle.Wait(at, "203.0.113.9:1", "ann"); wait > maxNameWait {
		t.Errorf("ann waits %v elsewhere, at most %v is promised", wait, maxNameWait)
	}
	for range 20 {
		throttle.Reserve(at, home, "ann")
	}
	if wait := throttle.Wait(at, home, "ann"); wait == 0 || wait > maxNameWait {
		t.Errorf("who guesses at ann's name at her address waits %v", wait)
	}
}

func TestAddrKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"192.0.2.7:1", "192.0.2.7:2", "192.0.2.7", "::ffff:192.0.2.7", "[::ffff:192.0.2.7]:1"},
		{"[2001:db8:1:2::7]:1", "2001:db8:1:2:ffff::8", "[2001:db8:1:2::9%eth0]:1"},
	} {
		for _, other := range same {
			if AddrKey(other) != AddrKey(same[0]) {
				t.Errorf("%s and %s are two", other, same[0])
			}
		}
	}
	if AddrKey("2001:db8:1:2::7") == AddrKey("2001:db8:1:3::7") || AddrKey("192.0.2.7") == AddrKey("192.0.2.8") {
		t.Error("two addresses are one")
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	var th Throttle
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	var waits []time.Duration
	for range 16 {
		wait := th.Wait(now, "[2001:db8::1]:5000", "ann")
		waits = append(waits, wait)
		now = now.Add(wait)
		th.Reserve(now, "[2001:db8::1]:5000", "ann")
	}
	if got := fmt.Sprint(waits[:7], waits[15]); got != "[0s 0s 0s 1s 2s 4s 8s] 5m0s" {
		t.Errorf("the waits are %s", got)
	}
	if got := th.Wait(now, "[2001:db8::ffff]:1", "somebody"); got != 5*time.Minute {
		t.Errorf("of the same network: %v", got)
	}
	if got := th.Wait(now, "192.0.2.1:1", "Ann"); got != maxNameWait {
		t.Errorf("the name from elsewhere: %v", got)
	}
	if got := th.Wait(now, "192.0.2.1:1", "bob"); got != 0 {
		t.Errorf("another user at another address: %v", got)
	}
	if got := th.Wait(now.Add(forgetAfter+time.Second), "[2001:db8::1]:1", "ann"); got != 0 {
		t.Errorf("after a while: %v", got)
	}
	now = now.Add(5 * time.Minute)
	settle, _ := th.Reserve(now, "[2001:db8::2]:1", "ann")
	settle(Success)
	if got := th.Wait(now, "[2001:db8::1]:1", "ann"); got != 0 {
		t.Errorf("after a success: %v", got)
	}
	for i := range maxTracked/2 + 50 { // each is an address and a name
		th.Reserve(now, fmt.Sprintf("10.0.%d.%d:1", i/256, i%256), fmt.Sprintf("name%d", i))
	}
	if len(th.failures) > maxTracked {
		t.Errorf("%d are remembered", len(th.failures))
	}
}
