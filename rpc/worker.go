package rpc

import (
	"context"

	"convoy/peer"
)

// worker is a process on every node that shows how messages work (docs/shell.md): it answers a ping with a line in the
// log.
type worker struct {
	service *Service
	mailbox *peer.Mailbox
	pings   chan int // holds the number of pings received
}

func newWorker(s *Service) *worker {
	w := &worker{service: s, mailbox: s.cfg.Cluster.Process("worker", 64), pings: make(chan int, 1)}
	w.pings <- 0
	return w
}

// state implements worker.state.
func (w *worker) state(_ context.Context, args peer.Args) (any, error) {
	if err := args.Scan(); err != nil {
		return nil, err
	}
	pings := <-w.pings
	w.pings <- pings
	return map[string]int{"pings": pings}, nil
}

// run receives messages until the cluster is closed.
func (w *worker) run() {
	log, self := w.service.logger("worker"), w.service.cfg.Self
	log.Info("ConvoyWorker started on node " + self)
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
		log.Info("Received ping on node " + self + " from " + message.From.Name)
	}
}
