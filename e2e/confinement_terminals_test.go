package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"convoy/confine"
	"convoy/internal/testkit"
)

// TestConfinement_Terminals has one system shell read and write the terminals of another and of a Convoy shell. Where
// that is not refused the shield says so. The programs that want a terminal of their own still work.
func TestConfinement_Terminals(t *testing.T) {
	t.Parallel()
	for name, args := range confinements {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if confine.LandlockVersion() == 0 {
				t.Skip("without Landlock a program gets at the descriptors of its user's other programs")
			}
			n := startConfined(t, userOf(name), args...)
			n.checkOtherTerminals(t, name == "as nobody") // the shield says so, too
			n.checkOwnTerminal(t, name != "as nobody, strictly")
		})
	}
}

// checkOtherTerminals checks whether a system shell reaches another's terminal, and that it reaches no Convoy shell's.
func (n confinedNode) checkOtherTerminals(t *testing.T, reaches bool) {
	t.Helper()
	victim, convoy := n.opens(t, "system"), n.opens(t, "convoy")
	testkit.Must(t, victim.WaitFor(testkit.Context(t), "$ "))
	testkit.Must(t, victim.Type(testkit.Context(t), "echo at=$(tty) pid=$$ en'ded'; sleep 1000\r"))
	testkit.Must(t, victim.WaitFor(testkit.Context(t), "ended"))
	found := regexp.MustCompile(`at=(/dev/pts/\d+) pid=(\d+)`).FindSubmatch(victim.Bytes())
	testkit.Must(t, convoy.WaitFor(testkit.Context(t), "Convoy shell on"))
	said := n.says(t, fmt.Sprintf(`
		for f in %s %s; do
		true <$f && echo ${y}KED-read-$f
		echo hello-from-afar >$f && echo ${y}KED-write-$f
		done
		P=%s
		for f in /proc/$P/fd/*; do echo >$f && echo ${y}KED-proc; done
		kill -0 $P && echo ${y}KED-kill`, found[1], n.terminal(t, "convoy"), found[2]))
	works := regexp.MustCompile(`WORKED-[a-z0-9/-]+`).FindAllString(said, -1)
	var want []string
	if reaches {
		want = []string{"WORKED-read-" + string(found[1]), "WORKED-write-" + string(found[1])}
	}
	if !slices.Equal(works, want) {
		t.Errorf("worked: %q, want %q:\n%s", works, want, said)
	}
	if reaches {
		testkit.Must(t, victim.WaitFor(testkit.Context(t), "from-afar"))
	} else if strings.Contains(string(victim.Bytes()), "from-afar") {
		t.Error("the other shell's screen was written")
	}
	if strings.Contains(string(convoy.Bytes()), "from-afar") {
		t.Error("the Convoy shell's screen was written")
	}
}

// checkOwnTerminal: a shell's own terminal is all that it is elsewhere, and with pairs programs make further ones.
func (n confinedNode) checkOwnTerminal(t *testing.T, pairs bool) {
	t.Helper()
	term := n.opens(t, "system")
	for i, one := range []struct { // tmux is the last: what the terminal answers to its questions may come after it
		program, line string
		pairs         bool
	}{
		{"tty", `tty | grep -q ^/dev/pts/`, false},
		{"stty", `stty size <$(tty) >$(tty)`, false},
		{"stty", `stty size </dev/tty && echo >/dev/tty`, false},
		{"sh", `sh -c 'echo >/dev/stderr && exec 3<>/dev/stdin'`, false},
		{"stty", `stty -echo && stty echo`, false},
		{"vim", `vim -u NONE -c q`, false},
		{"less", `less -FX /etc/hostname`, false},
		{"script", `script -qc true /dev/null`, true},
		{"python3", `python3 -c 'import getpass, sys; sys.exit(getpass.getpass("pass""word?") != "abc")'`, false},
		{"tmux", `T=$(mktemp -d); SHELL=/bin/sh tmux -S $T/s -f /dev/null new-session "echo in-tmux >$T/out"; grep -q ` +
			`in-tmux $T/out`, true},
	} {
		if _, err := exec.LookPath(one.program); err != nil || one.pairs && !pairs {
			continue
		}
		testkit.Must(t, term.Type(testkit.Context(t), fmt.Sprintf("%s; echo status'=%d-'$?.\r", one.line, i)))
		if strings.Contains(one.line, "getpass") { // what is typed before it asks is thrown away
			testkit.Must(t, term.WaitFor(testkit.Context(t), "password?"))
			testkit.Must(t, term.Type(testkit.Context(t), "abc\r"))
		}
		testkit.Must(t, term.WaitFor(testkit.Context(t), fmt.Sprintf("status=%d-", i)))
		testkit.Must(t, term.WaitFor(testkit.Context(t), fmt.Sprintf("status=%d-0.", i)))
	}
}

// TestConfinement_OthersOfTheUser asks the other programs of a node's user, which are not confined, to act for a shell:
// by a tmux server's socket, by its memory, by signals. By sockets it works where the shield says that it does, and
// nowhere else.
func TestConfinement_OthersOfTheUser(t *testing.T) {
	t.Parallel()
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("there is no tmux")
	}
	for name, args := range map[string][]string{"as nobody": nil, "as nobody, strictly": {"-confine", "strict"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if confine.LandlockVersion() < 6 {
				t.Skip("this kernel's Landlock does not keep signals apart")
			}
			n := startConfined(t, nobody, args...)
			dir, err := os.MkdirTemp("", "convoy-test-")
			testkit.Must(t, err)
			t.Cleanup(func() { os.RemoveAll(dir) })
			testkit.Must(t, os.Chown(dir, nobody, nobody))
			run := func(args ...string) string {
				cmd := exec.Command(tmux, append([]string{"-S", dir + "/s", "-f", "/dev/null"}, args...)...)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "SHELL=/bin/sh"}
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
				text, err := cmd.CombinedOutput()
				testkit.Must(t, err)
				return strings.TrimSpace(string(text))
			}
			run("new-session", "-d", "sleep 1000")
			t.Cleanup(func() { run("kill-server") })
			server := run("display-message", "-p", "#{pid}")
			said := n.says(t, fmt.Sprintf(`
				S=%s P=%s N=%d
				tmux -S $S/s run-shell "grep NoNewPrivs /proc/self/status >$S/out; kill -0 $N && echo killable >>$S/out" &&
					echo ${y}KED-socket
				for f in mem environ fd/0; do head -c1 /proc/$P/$f && echo ${y}KED-$f; done
				kill -0 $P && echo ${y}KED-kill
				python3 -c 'import socket; socket.socket(socket.AF_UNIX)' && echo ${y}KED-make
				python3 -c 'import socket; socket.socketpair(type=socket.SOCK_DGRAM)' && echo ${y}KED-datagrams
				python3 -c 'import socket; socket.socketpair()' && echo ${y}KS-pairs
				python3 -c 'import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall(425, 1, 0); print("ring", ctypes.get_errno())'`,
				dir, server, n.pid))
			out, _ := os.ReadFile(dir + "/out")
			works := regexp.MustCompile(`WORKED-[a-z0-9/-]+`).FindAllString(said, -1)
			strict := len(args) > 0
			switch {
			case strict && len(works) > 0:
				t.Errorf("worked: %q:\n%s", works, said)
			case !strict && !slices.Contains(works, "WORKED-socket"), !strict && slices.Contains(works, "WORKED-kill"):
				t.Errorf("worked: %q:\n%s", works, said)
			}
			if got := string(out); (got != "") == strict {
				t.Errorf("tmux has done %q", got)
			}
			if _, err := exec.LookPath("python3"); err != nil {
				return
			}
			if !strings.Contains(said, "WORKS-pairs") || strict != strings.Contains(said, "ring 13\r") {
				t.Errorf("pairs of sockets, or io_uring:\n%s", said)
			}
		})
	}
}
