//go:build linux

package e2e

import (
	"bytes"
	"os/exec"
	"syscall"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
)

// survivor is a program, keys that are typed while no node runs, and what they lead to.
type survivor struct{ start, shows, keys, leads string }

var survivors = map[string]survivor{
	"less":      {"seq 1000 | less\r", "\r\n20\r\n", " qecho back$((1+1))\r", "back2"},
	"password":  {"read -s -p 'p''w: ' x; echo got-$x\r", "pw: ", "secret\r", "got-secret"},
	"interrupt": {"echo go$((1+1)); sleep 1000\r", "go2", "\x03echo after$((1+1))\r", "after2"},
	"tmux": {
		"d=$(mktemp -d); tmux -S $d/s -f /dev/null new sh; rm -r $d; echo out$((1+1))\r", "0:sh",
		"echo in$((1+1))\rexit\r", "out2",
	},
}

// Programs get what is typed while no node runs: after a crash, and during an upgrade.
func TestPrograms_TypedWhileNoNodeRuns(t *testing.T) {
	t.Parallel()
	p, _, _ := startSupervised(t)
	supervisor := p.cmd.Process.Pid
	t.Cleanup(func() { syscall.Kill(supervisor, syscall.SIGCONT) }) //nolint:errcheck // the test may have failed before
	for _, how := range []syscall.Signal{syscall.SIGKILL, syscall.SIGUSR2} {
		pages := p.startSurvivors(t)
		node := testkit.NodeOf(supervisor)
		if how == syscall.SIGUSR2 {
			testkit.Must(t, syscall.Kill(supervisor, how))
		} else {
			testkit.Must(t, syscall.Kill(supervisor, syscall.SIGSTOP)) // so that no other node starts
			testkit.Must(t, syscall.Kill(node, how))
		}
		for name, page := range pages {
			page.Type([]byte(survivors[name].keys))
		}
		testkit.Must(t, syscall.Kill(supervisor, syscall.SIGCONT))
		for name, page := range pages {
			got, err := page.ReachText(survivors[name].leads)
			if err != nil {
				t.Errorf("%v: %s: %v; there is %q", how, name, err, got[max(0, len(got)-300):])
			}
			if name == "password" && bytes.Count(got, []byte("secret")) != 1 {
				t.Errorf("%v: the password was echoed: %q", how, got)
			}
		}
		p.anotherNode(t, node)
	}
}

// startSurvivors starts the programs that are installed here, each in a shell of its own.
func (p process) startSurvivors(t *testing.T) map[string]*client.ResilientTerminal {
	t.Helper()
	pages := map[string]*client.ResilientTerminal{}
	for name, one := range survivors {
		if _, err := exec.LookPath("tmux"); err != nil && name == "tmux" {
			continue
		}
		pages[name] = p.terminal(t, "system")
		pages[name].Type([]byte(one.start))
		reach(t, pages[name], one.shows)
	}
	return pages
}
