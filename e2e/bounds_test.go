package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// TestMailboxesAreBounded: a script that sends to its own mailbox without end is told so, and gets what it has sent;
// another shell's mailbox takes messages meanwhile.
func TestMailboxesAreBounded(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	n := startNode(t, nil, "-data", t.TempDir())
	evaluate := func(source string) string {
		t.Helper()
		body, err := json.Marshal(map[string]string{"value": source})
		testkit.Must(t, err)
		var got struct{ Result any }
		if err := n.Do(testkit.Context(t), http.MethodPost, "/api/cmd", body, &got); err != nil {
			return err.Error()
		}
		return fmt.Sprint(got.Result)
	}
	const fill = "b = 'x' * 1000000\ndef fill():\n    for i in range(2000):\n        send(self().process, node.self(), " +
		"b)\n"
	if said := evaluate(
		fill + "\nfill()",
	); !strings.Contains(said, "mailbox is full: it can hold at most 4 MiB of messages; receive() makes room") {
		t.Errorf("2,000 messages of 1 MB: %s", said)
	}
	besides(t, n, func() { evaluate(fill + "\nfill()") })
	const some = "b = 'x' * 1000000\ndef some():\n    for i in range(4):\n        send(self().process, node.self(), " +
		"b)\n    return [len(receive().message) for i in range(4)]\n"
	if said := evaluate(some + "\nsome() + some()"); strings.Count(said, "1000000") != 8 {
		t.Errorf("twice four messages of 1 MB: %s", said)
	}
}

// besides types in a shell of another, and waits for what comes of it, while something is done again and again.
func besides(t *testing.T, n *running, again func()) {
	t.Helper()
	shell, err := n.Open(testkit.Context(t), "convoy@convoy.convoy.internal")
	testkit.Must(t, err)
	terminal, err := n.Attach(testkit.Context(t), shell, 0)
	testkit.Must(t, err)
	defer terminal.Close()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				again()
			}
		}
	}()
	for i := range 3 {
		testkit.Must(t, terminal.Type(testkit.Context(t), fmt.Sprintf("echo $((%d * 1001))\r", i+3)))
		testkit.Must(t, terminal.WaitFor(testkit.Context(t), fmt.Sprint((i+3)*1001)))
	}
	close(stop)
	<-stopped
}
