package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"convoy/node"
)

// reachSupervisor lets convoy upgrade and convoy stop reach the supervisor of a node with a data directory. A spawned
// node is its parent's.
func reachSupervisor(cfg *node.Config, c call) {
	cfg.Supervisor = c.supervisor
	if c.supervisor == nil || cfg.Spawned || cfg.Data == "" {
		return
	}
	err := os.MkdirAll(cfg.Data, 0o700)
	if err == nil {
		err = c.supervisor.Listen(filepath.Join(cfg.Data, cfg.Name+".sock"))
	}
	if err != nil {
		fmt.Fprintf(c.stderr, "convoy: warning: convoy upgrade and convoy stop do not reach this node: %v\n", err)
	}
}
