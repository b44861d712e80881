package supervisor

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func FuzzDecode(f *testing.F) {
	f.Add([]byte("{\"kind\":\"put\",\"name\":\"terminal:1\",\"pid\":7}\ndata\nof it"))
	f.Add([]byte("{}\n"))
	f.Add([]byte("{\"kind\":\"exit\",\"pid\":-1}\n"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := decode(packet)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil { // JSON may grow by escapes
			return
		}
		same, err := decode(again)
		if err != nil || same.Kind != m.Kind || same.Name != m.Name || same.Pid != m.Pid || !bytes.Equal(same.data, m.data) {
			t.Errorf("%+v became %+v, %v", m, same, err)
		}
	})
}

func TestMessage_Bounds(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]message{
		"data":  {Kind: "put", data: make([]byte, maxMessage)},
		"files": {Kind: "put", files: make([]int, maxFiles+1)},
	} {
		if _, err := m.encode(); err == nil || !strings.Contains(err.Error(), "at most") {
			t.Errorf("too much %s: %v", name, err)
		}
	}
	for _, packet := range []string{"", "\n", "{}", "{}\n", "[]\n", "{\"kind\":\"exit\",\"pid\":-1}\n", "{\"kind\":7}\n"} {
		if m, err := decode([]byte(packet)); err == nil {
			t.Errorf("%q is %+v", packet, m)
		}
	}
}

// Without a supervisor, nothing is kept, and nothing fails.
func TestClient_Nil(t *testing.T) {
	t.Parallel()
	c, err := Connect()
	if c != nil || err != nil {
		t.Fatalf("connected to %v, %v", c, err)
	}
	c.Failed(err)
	if err := c.Put(Entry{}); err != nil {
		t.Error(err)
	}
	if c.Entries() != nil || c.Leave() != nil || c.Done() != nil || c.Drop("x") != nil || c.Ready("1") != nil {
		t.Error("a client without a supervisor does something")
	}
	if _, err := c.Wait(context.Background(), 1); err != ErrUnknown {
		t.Errorf("Wait: %v", err)
	}
}
