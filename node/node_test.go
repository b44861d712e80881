package node

import (
	"bytes"
	"testing"
)

// During a change of cookies, both create share links, and the keys of other purposes differ.
func TestShare_KeysOfTwoCookies(t *testing.T) {
	t.Parallel()
	both, old := deriveKeys("new-cookie,old-cookie", "share"), deriveKeys("old-cookie", "share")
	if len(both) != 2 || !bytes.Equal(both[1], old[0]) || bytes.Equal(both[0], both[1]) ||
		bytes.Equal(old[0], deriveKeys("old-cookie", "session")[0]) {
		t.Errorf("keys %x of two cookies, %x of the old one", both, old)
	}
}
