//go:build linux

package netlab_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"convoy/internal/netlab"
	"convoy/internal/testkit"
)

const (
	sigterm = syscall.SIGTERM // how a deployment ends a node
	query   = "cluster.internal"
	cookieA = "R7fGq2LxVb9TzKd4WmYc8HsNp3JtXe6Q"
	cookieB = "uB5kZw1oEr7PiMn0Dv3QgAx9ShLy4FjC"
)

// scene is a lab with the processes on its hosts. One lock guards all that they
// have said, so that a condition may look at all of them at one moment.
type scene struct {
	*testing.T
	lab *netlab.Lab

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced when a process says something, or DNS is asked
	processes []*process
	orders    int
}

// newScene makes n hosts with nothing on them.
func newScene(t *testing.T, n int) *scene {
	t.Helper()
	s := &scene{T: t, lab: netlab.New(t, n), changed: make(chan struct{})}
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			select {
			case <-s.lab.DNS.Arrived():
				s.stir()
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		<-watched
	})
	return s
}

// signal is called with mu held.
func (s *scene) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// stir has conditions checked again, after a change that the scene does not see.
func (s *scene) stir() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal()
}

// until waits for a condition, which is asked with mu held after every change, and
// says how long that took.
func (s *scene) until(limit time.Duration, what string, met func() bool) time.Duration {
	s.Helper()
	began := time.Now()
	if !s.await(limit, met) {
		s.Fatalf("not within %v: %s\n%s", limit, what, s.report())
	}
	return time.Since(began)
}

func (s *scene) await(limit time.Duration, met func() bool) bool {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for {
		s.mu.Lock()
		ok, changed := met(), s.changed
		s.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-deadline.C:
			return false
		}
	}
}

// holds checks for a time that a condition holds: wrong describes the violation, or is "".
func (s *scene) holds(during time.Duration, wrong func() string) {
	s.Helper()
	var complaint string
	if s.await(during, func() bool { complaint = wrong(); return complaint != "" }) {
		s.Fatalf("%s\n%s", complaint, s.report())
	}
}

// deadline bounds each wait for something that is to come, however busy the machine is. How soon it came is logged,
// beside what docs/cluster.md promises; no test compares the two.
const deadline = testkit.Patience

// report is the last output of the processes.
func (s *scene) report() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, p := range s.processes {
		fmt.Fprintf(&b, "--- %s (%s)\n", p.name, p.instance)
		for _, e := range p.events[max(0, len(p.events)-12):] {
			fmt.Fprintf(
				&b, "%s %s %s %s %s %s %s\n", e.Time.Format("05.000"), e.Kind, e.Level, e.Message, e.Member, e.Addr, e.Reason+e.Err,
			)
		}
		for _, m := range p.members() {
			fmt.Fprintf(&b, "    %s %s %v %s\n", m.Name, m.Instance, m.Addr, m.State)
		}
		b.WriteString(p.errors.String())
	}
	return b.String()
}

// process is a program on a host, with its output.
type process struct {
	scene *scene
	name  string
	host  *netlab.Host
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ended chan struct{} // closed when it has

	// guarded by scene.mu
	instance string
	events   []event
	ticked   time.Time    // the last tick of a child
	errors   bytes.Buffer // standard error
	stopping bool         // by us
	status   error
}

// errorWriter keeps what a process writes to standard error.
type errorWriter struct{ *process }

func (w errorWriter) Write(b []byte) (int, error) {
	w.scene.mu.Lock()
	defer w.scene.mu.Unlock()
	return w.errors.Write(b)
}

// launch starts a command of a host. The test's end kills it.
func (s *scene) launch(name string, host *netlab.Host, cmd *exec.Cmd) *process {
	s.Helper()
	p := &process{scene: s, name: name, host: host, cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = errorWriter{p}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		s.Fatal(err)
	}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		s.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		p.listen(stdout)
		err := cmd.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		p.status = err
		s.signal()
	}()
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.mu.Unlock()
	s.Cleanup(p.end)
	return p
}

// end kills the process, and fails the test if it ended before.
func (p *process) end() {
	p.signal(os.Kill)
	<-p.ended
	p.scene.mu.Lock()
	defer p.scene.mu.Unlock()
	text := p.errors.String()
	if !p.stopping && p.status != nil && !strings.Contains(p.status.Error(), "killed") ||
		strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic:") {
		p.scene.Errorf("%s ended: %v\n%s", p.name, p.status, text)
	}
}

func (p *process) signal(sig os.Signal) {
	if sig != os.Kill {
		p.scene.mu.Lock()
		p.stopping = true
		p.scene.mu.Unlock()
	} else if node := testkit.NodeOf(p.cmd.Process.Pid); node != p.cmd.Process.Pid {
		p.cmd.Process.Signal(syscall.SIGSTOP) //nolint:errcheck // it may have ended; else its supervisor would notice
		syscall.Kill(node, syscall.SIGKILL)   //nolint:errcheck // as above
	}
	p.cmd.Process.Signal(sig) //nolint:errcheck // it may have ended
}

// runs reports whether the process has neither ended nor been told to. It is called with mu held.
func (p *process) runs() bool {
	select {
	case <-p.ended:
		return false
	default:
		return !p.stopping
	}
}

// stop ends the process as a deployment does, and waits until it has.
func (p *process) stop(sig os.Signal) {
	p.scene.Helper()
	p.signal(sig)
	select {
	case <-p.ended:
	case <-time.After(deadline):
		p.scene.Fatalf("%s does not end after %v\n%s", p.name, sig, p.scene.report())
	}
}

func (p *process) listen(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			e.Message = lines.Text()
		}
		p.scene.mu.Lock()
		if e.Kind == "ready" {
			p.instance, p.ticked = e.Instance, e.Time
		}
		if e.Kind == "tick" {
			p.ticked, e.Kind = e.Time, "starved"
		}
		if e.Kind != "starved" || e.Took > starvedTime {
			p.events = append(p.events, e)
		}
		p.scene.signal()
		p.scene.mu.Unlock()
	}
}
