package sandbox

import (
	"slices"
	"testing"
)

// TestConfinement_Refused: the node refuses system shells that could read its memory, and in strict mode those that
// could do anything else.
func TestConfinement_Refused(t *testing.T) {
	t.Parallel()
	every := []string{
		ReadEnviron, ReadMemory, ReadFDs, Trace, Kill, ReadStore,
		Terminals, Sockets,
	}
	for mode, refused := range map[string][]string{"on": {ReadMemory}, "strict": every, "off": nil} {
		for _, could := range append(every, "do nothing") {
			s := &Sandbox{Mode: mode, report: func() (r Report, err error) {
				for _, what := range every {
					r.Attempts = append(r.Attempts, Attempt{Name: what, Succeeded: what == could})
				}
				return r, nil
			}}
			if reason := s.Refusal(); (reason != "") != slices.Contains(refused, could) {
				t.Errorf("-confine %s where a shell could %s: %q", mode, could, reason)
			}
		}
	}
}
