package cli

import (
	"os"

	"convoy/node"
)

// spawnedConfig is the configuration of a node that provider local made: it stands on standard input, where neither
// arguments nor environment could give its secrets away.
func spawnedConfig(getenv func(string) string) (config, error) {
	cfg, err := node.ReadConfig(os.Stdin)
	if err != nil {
		return config{}, hint("-spawned is how Convoy starts its own nodes; leave it out",
			"no configuration on standard input: %w", err)
	}
	cfg.Env = shellEnv(getenv)
	return config{cfg}, nil
}
