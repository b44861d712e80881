package node_test

import (
	"os"
	"strings"
	"testing"

	"convoy/cli"
)

// TestMain lets this program be what a node starts it as: an evaluator, a Convoy shell, the step before a system shell.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}
