package node_test

import (
	"os"
	"strings"
	"testing"

	"convoy/cli"
)

// TestMain lets the test binary be the programs that a node starts: a sandbox, a Convoy shell, a confined process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}
