//go:build linux

package netlab_test

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"convoy/internal/netlab"
	"convoy/internal/testkit"
)

// atOnce is how many tests run at a time: they wait far more than they work.
const atOnce = "10"

// TestMain lets the test binary be a node.
func TestMain(m *testing.M) {
	if config := os.Getenv(nodeVariable); config != "" {
		os.Exit(runChild(config))
	}
	os.Exit(netlab.Main(func() int {
		flag.Parse()
		given := false
		flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
		if !given {
			flag.Set("test.parallel", atOnce) //nolint:errcheck // it is a number
		}
		status := m.Run()
		removeConvoy()
		if status == 0 {
			if err := testkit.Retry(func() error { return goleak.Find() }); err != nil {
				fmt.Fprintln(os.Stderr, err)
				status = 1
			}
		}
		return status
	}))
}
