package cli

import (
	"convoy/confine"
	"slices"
	"testing"
)

// TestConfinement_Refused: where a shell could read the node's memory there are none, and where it has to be confined
// strictly none that could do anything else.
func TestConfinement_Refused(t *testing.T) {
	t.Parallel()
	every := []string{
		confine.ReadEnviron, confine.ReadMemory, confine.ReadFDs, confine.Trace, confine.Kill, confine.ReadStore,
		confine.Terminals, confine.Sockets,
	}
	for mode, refused := range map[string][]string{"on": {confine.ReadMemory}, "strict": every, "off": nil} {
		for _, could := range append(every, "do nothing") {
			c := &confinement{mode: mode, report: func() (r confine.Report, err error) {
				for _, what := range every {
					r.Attempts = append(r.Attempts, confine.Done{What: what, Worked: what == could})
				}
				return r, nil
			}}
			if err := c.allow(); (err != nil) != slices.Contains(refused, could) {
				t.Errorf("-confine %s where a shell could %s: %v", mode, could, err)
			}
		}
	}
}
