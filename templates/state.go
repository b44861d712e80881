package templates

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is what a shell does, as docs/protocol.md describes it.
type State struct {
	Doing    string     `json:"doing"` // quiet, running, waiting or finished; "": unknown
	Since    *time.Time `json:"since"` // nil while it is quiet
	Command  string     `json:"command"`
	Asks     string     `json:"asks"`
	Progress *Progress  `json:"progress"` // nil: none is reported
	Exit     *int       `json:"exit"`     // of the command that has finished; nil: unknown
	Seconds  float64    `json:"seconds"`  // that it took; 0: unknown
}

// Progress is how far a command has got. State is normal, error, paused, or busy: then Percent is unknown.
type Progress struct {
	State   string `json:"state"`
	Percent int    `json:"percent"`
}

// interrupted is the exit status after Ctrl-C (128 and the number of SIGINT), which is no failure.
const interrupted = 130

// code is the exit status of the shell, or else of its last command; 0 if neither is known.
func (s Shell) code() int {
	switch {
	case s.Exit != nil:
		return s.Exit.Code
	case s.State.Exit != nil:
		return *s.State.Exit
	}
	return 0
}

// Failed reports whether the shell's last command failed, or the shell.
func (s Shell) Failed() bool { return s.code() != 0 && s.code() != interrupted }

// Is is what deserves a sign: waiting, failed, running, finished, or nothing.
func (s Shell) Is() string {
	switch {
	case s.Failed():
		return "failed"
	case !s.Running || s.State.Doing == "quiet":
		return ""
	}
	return s.State.Doing
}

// Progress is how far its command has got; nil: it reports none.
func (s Shell) Progress() *Progress { return s.State.Progress }

// Doing is what the shell does, in words that follow its title.
func (s Shell) Doing() string {
	after := ""
	if s.State.Seconds > 0 {
		after = " after " + took(time.Time{}, time.Time{}.Add(time.Duration(s.State.Seconds*float64(time.Second))))
	}
	switch is := s.Is(); {
	case is == "waiting" && s.State.Asks != "":
		return "waits: " + s.State.Asks
	case is == "waiting":
		return "waits for you"
	case is == "running" && s.State.Progress != nil && s.State.Progress.State != "busy":
		return fmt.Sprintf("runs %s, %d %%", s.State.Command, s.State.Progress.Percent)
	case is == "running":
		return "runs " + s.State.Command
	case is == "failed" && s.Exit != nil:
		return "ended with " + s.Exit.String()
	case is == "failed":
		return fmt.Sprintf("failed with code %d", s.code()) + after
	case is == "finished":
		return "finished" + after
	}
	return "quiet"
}

// Mark is when the state began, exactly, for a request that is about this state.
func (s State) Mark() string {
	if s.Since == nil {
		return ""
	}
	return s.Since.Format(time.RFC3339Nano)
}

// Waits are the node's shells that wait.
func (n Node) Waits() (list []Shell) {
	for _, s := range n.Shells {
		if s.Is() == "waiting" {
			s.Node = n.Name // not what another node calls itself
			list = append(list, s)
		}
	}
	return list
}

// Doings are shells that do the same. First is one of them.
type Doings struct {
	Is       string
	Count    int
	First    Shell
	Progress *Progress // the least of them; nil: none is reported
}

// doings are the values of Is that want attention, the first ones most.
var doings = []string{"waiting", "failed", "running"}

// Calm is 0 for a shell that wants attention most, and more for those that can wait: for sorting.
func (s Shell) Calm() int {
	if i := slices.Index(doings, s.Is()); i >= 0 {
		return i
	}
	return len(doings)
}

// doingsOf groups the shells of nodes by what they do, in the order of doings.
func doingsOf(nodes ...Node) []Doings {
	groups := make([]Doings, len(doings))
	for i, is := range doings {
		groups[i].Is = is
	}
	for i := range nodes {
		for j := range nodes[i].Shells {
			s := &nodes[i].Shells[j]
			at := slices.Index(doings, s.Is())
			if at < 0 {
				continue
			}
			group := &groups[at]
			if group.Count++; group.Count == 1 {
				group.First = *s
			}
			group.Progress = least(group.Progress, s.State.Progress)
		}
	}
	return slices.DeleteFunc(groups, func(d Doings) bool { return d.Count == 0 })
}

// least is the one with the lower percentage; nil is none.
func least(a, b *Progress) *Progress {
	if a == nil || b != nil && b.Percent < a.Percent {
		return b
	}
	return a
}

// Doings groups the node's shells by what they do; First is where to go.
func (n Node) Doings() []Doings { return doingsOf(n) }

// Is lists the words of the filter that find the node: is:waiting is:failed.
func (n Node) Is() string {
	var words []string
	for _, group := range n.Doings() {
		words = append(words, "is:"+group.Is)
	}
	return strings.Join(words, " ")
}

// maxHeard limits the shells that the page names when they begin to wait.
const maxHeard = 3

// heard names shells that wait.
func (l NodeList) heard() string {
	var waits []string
	for _, n := range l.Nodes {
		for _, s := range n.Waits() {
			waits = append(waits, fmt.Sprintf("%s on %s %s", s.Label(), n.Short, s.Doing()))
		}
	}
	more := len(waits) - maxHeard
	text := strings.Join(waits[:min(maxHeard, len(waits))], ". ")
	if more > 0 {
		text += fmt.Sprintf(". %d more", more)
	}
	return text
}
