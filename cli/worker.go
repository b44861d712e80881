package cli

import (
	"context"

	"convoy/peer"
)

// worker is the process that every node has, as the demo's nodes had: it answers a ping with a line in the node's log.
type worker struct {
	node    *node
	mailbox *peer.Mailbox
	pings   chan int // holds the number of pings taken so far
}

// newWorker registers the process and the function worker.state.
func newWorker(n *node) *worker {
	w := &worker{node: n, mailbox: n.cluster.Process("worker", 64), pings: make(chan int, 1)}
	w.pings <- 0
	n.cluster.Register("worker.state", func(_ context.Context, args peer.Args) (any, error) {
		if err := args.Scan(); err != nil {
			return nil, err
		}
		pings := <-w.pings
		w.pings <- pings
		return map[string]int{"pings": pings}, nil
	})
	return w
}

// run takes messages until the cluster is closed.
func (w *worker) run() {
	log := w.node.part("worker")
	log.Info("ConvoyWorker started on node " + w.node.cfg.name)
	for {
		message, err := w.mailbox.Receive(context.Background())
		if err != nil {
			return
		}
		var word string
		if err := message.Decode(&word); err != nil || word != "ping" {
			log.Warn("message not understood", "member", message.From.Name)
			continue
		}
		w.pings <- <-w.pings + 1
		log.Info("Received ping on node " + w.node.cfg.name + " from " + message.From.Name)
	}
}
