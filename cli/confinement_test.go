package cli

import (
	"convoy/confine"
	"strings"
	"testing"
)

// TestConfinement_Refused: where a shell could read the node's memory there are none.
func TestConfinement_Refused(t *testing.T) {
	t.Parallel()
	c := &confinement{mode: "on", report: func() (confine.Report, error) {
		return confine.Report{Attempts: []confine.Done{{What: confine.ReadMemory, Worked: true}}}, nil
	}}
	if err := c.allow(); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("allowed: %v", err)
	}
	if c.mode = "off"; c.allow() != nil {
		t.Error("-confine off is not obeyed")
	}
}
