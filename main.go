// Convoy is a web console with real shells on every node of a cluster. docs/architecture.md says how it is built.
package main

import (
	"os"

	"convoy/cli"
)

func main() { os.Exit(cli.Main()) }
