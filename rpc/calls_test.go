package rpc

import (
	"encoding/json"
	"testing"

	"convoy/access"
)

// TestCalls_Begin: each function of Convoy shells takes quota for its arguments, and releases it.
func TestCalls_Begin(t *testing.T) {
	t.Parallel()
	b := newCallQuotas()
	ann, bob := access.Identity{User: "ann", Role: access.Operator}, access.Identity{User: "bob", Role: access.Operator}
	arg := []json.RawMessage{make(json.RawMessage, 7<<20)}
	for fn := range sessionFunctions {
		end, err := b.acquire(t.Context(), ann, fn, arg)
		if err != nil {
			t.Fatalf("%s: %v", fn, err)
		}
		if b.bytes.InUse() != 7<<20 || (b.large.InUse() == 0) != unmetered[fn] {
			t.Errorf("%s takes %d bytes, %d calls", fn, b.bytes.InUse(), b.large.InUse())
		}
		end()
	}
	if b.bytes.InUse() != 0 || b.large.InUse() != 0 {
		t.Errorf("%d bytes, %d calls are left", b.bytes.InUse(), b.large.InUse())
	}
	for range 2 {
		if _, err := b.acquire(t.Context(), ann, "receive", arg); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.acquire(t.Context(), ann, "receive", arg); err == nil {
		t.Error("21 MiB of arguments are taken")
	}
	if _, err := b.acquire(t.Context(), bob, "send", arg); err != nil {
		t.Errorf("another user: %v", err)
	}
	for fn := range unmetered {
		if sessionFunctions[fn] == nil {
			t.Errorf("%s is asked of no node", fn)
		}
	}
}
