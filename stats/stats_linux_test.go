package stats

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// startSession starts a command line in a session of its own, as a shell has it, and returns its process.
func startSession(t testing.TB, line string) *os.Process {
	t.Helper()
	cmd := exec.Command("sh", "-c", line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended
		cmd.Wait()                                      //nolint:errcheck // it was killed
	})
	return cmd.Process
}

// The CPU of a busy child of a shell is the shell's and the node's, even if the child left the shell's session; an
// idle shell uses none.
func TestSampler_BusyChild(t *testing.T) {
	t.Parallel()
	busy := startSession(t, "sh -c 'while :; do :; done' & wait")
	left := startSession(t, "setsid sh -c 'while :; do :; done' & wait")
	idle := startSession(t, "sleep 1000; :")
	s := New(Config{Shells: func() []Shell {
		return []Shell{{"busy", busy.Pid}, {"left", left.Pid}, {"idle", idle.Pid}, {"ended", 0}}
	}})
	t.Cleanup(func() { killBelow(t, left.Pid) })
	last := func(r Report, shell, series string) float64 { return r.Shells[shell][series].Last() }
	testkit.Eventually(t, "CPU of the busy shells", func() bool {
		s.Sample()
		r := s.Report(15*time.Minute, true)
		return last(r, "busy", "cpu") > 0 && last(r, "left", "cpu") > 0 && r.Series["node_cpu"].Last() > 0 &&
			r.Series["cpu"].Last() > 0
	})
	r := s.Report(15*time.Minute, true)
	if cpu, memory := last(r, "idle", "cpu"), last(r, "idle", "memory"); cpu > 0.01 || memory < 100_000 {
		t.Errorf("the idle shell uses %v cores, %v bytes", cpu, memory)
	}
	if memory := last(r, "ended", "memory"); memory != 0 {
		t.Errorf("a shell without a process uses %v bytes", memory)
	}
	if own, all := r.Series["process_memory"].Last(), r.Series["node_memory"].Last(); own <= 0 || all <= own {
		t.Errorf("the process uses %v bytes, with its shells %v", own, all)
	}
}

// killBelow kills the children of a process.
func killBelow(t *testing.T, pid int) {
	t.Helper()
	children, err := exec.Command("pgrep", "-P", fmtInt(pid)).Output()
	if err != nil {
		return
	}
	for one := range strings.FieldsSeq(string(children)) {
		exec.Command("kill", "-9", one).Run() //nolint:errcheck // it may have ended
	}
}

func fmtInt(n int) string { b, _ := json.Marshal(n); return string(b) } //nolint:errcheck // it marshals

// The machine's series have values or a reason, as JSON too.
func TestSampler_Report(t *testing.T) {
	t.Parallel()
	s := New(Config{Dir: t.TempDir()})
	s.Sample()
	s.Sample()
	text, err := json.Marshal(s.Report(time.Hour, true))
	testkit.Must(t, err)
	if strings.Contains(string(text), "NaN") {
		t.Errorf("%s", text)
	}
	text, err = json.Marshal(s.Report(15*time.Minute, true))
	testkit.Must(t, err)
	var r Report
	testkit.Must(t, json.Unmarshal(text, &r))
	if r.Step != 5 || r.Scope == "" || r.Limits.CPU < 0.01 || r.Limits.Memory < 1<<20 || r.Limits.Disk < 1<<20 {
		t.Errorf("%s", text)
	}
	for _, one := range series {
		if v := r.Series[one.name]; len(v) != 2 || math.IsNaN(v.Last()) == (r.Unknown[one.name] == "") {
			t.Errorf("%s: %v, %q", one.name, v, r.Unknown[one.name])
		}
	}
	latest, _ := s.Latest()
	if latest["process_memory"] < 1<<20 {
		t.Errorf("latest: %v", latest)
	}
}

// A sample after hours without one leaves a gap of that length.
func TestSampler_Sleep(t *testing.T) {
	t.Parallel()
	s := New(Config{})
	s.Sample()
	s.at = s.at.Add(-2 * time.Hour)
	s.Sample()
	hour := s.Report(time.Hour, false).Series["load"]
	if len(hour) != 60 || len(known(hour[:58])) > 0 {
		t.Errorf("the last hour: %v", hour)
	}
	s.at = s.at.Add(-1e6 * time.Hour) // no more rows than there can be
	s.Sample()
	s.at = s.at.Add(2 * time.Hour) // a clock that was put back
	s.Sample()
	if day := s.Report(1000*time.Hour, false).Series["load"]; len(day) != 288 {
		t.Errorf("the last day: %d values", len(day))
	}
}

func writeAll(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		testkit.Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		testkit.Must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// The files of a control group, as the kernel writes them: the lowest limit of the groups above counts.
func TestCgroup(t *testing.T) {
	t.Parallel()
	c := cgroup{path: "/a/b", root: writeAll(t, map[string]string{
		"cpu.max": "max 100000\n", "a/cpu.max": "150000 100000\n", "a/b/cpu.max": "max 100000\n",
		"a/memory.max": "max\n", "a/b/memory.max": "1073741824\n", "a/b/memory.current": "900000000\n",
		"a/b/memory.stat": "anon 1\ninactive_file 400000000\nfile 3\n", "a/b/cpu.stat": "usage_usec 2500000\nuser_usec 1\n",
		"a/b/io.stat": "8:0 rbytes=100 wbytes=20 rios=3\n259:1 rbytes=1 wbytes=2 rios=3\n",
	})}
	memory, err := c.memory()
	testkit.Must(t, err)
	cpu, err := c.cpu()
	testkit.Must(t, err)
	read, written, err := c.io()
	testkit.Must(t, err)
	got := []float64{c.memoryLimit(), c.cpuLimit(), memory, cpu, read, written}
	for i, want := range []float64{1 << 30, 1.5, 500_000_000, 2.5, 101, 22} {
		if got[i] != want {
			t.Errorf("value %d is %v, want %v", i, got[i], want)
		}
	}
	if !c.contained() {
		t.Error("it is limited")
	}
	for name, c := range map[string]cgroup{
		"no files": {root: t.TempDir(), path: "/"},
		"a service": {path: "/s", root: writeAll(t, map[string]string{
			"s/memory.current": "1",
			"s/memory.max":     "max",
		})},
		"outside of the root": {root: t.TempDir(), path: "/../../x"},
	} {
		if c.contained() {
			t.Errorf("%s: it is no container", name)
		}
	}
}

// BenchmarkSample is what a sample costs, with 20 shells: ns/op × 12 a minute must stay below 0.1 % of a core, 5 ms.
func BenchmarkSample(b *testing.B) {
	for name, count := range map[string]int{"no shells": 0, "20 shells": 20} {
		b.Run(name, func(b *testing.B) {
			var shells []Shell
			for range count {
				cmd := exec.Command("sleep", "1000")
				cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
				if err := cmd.Start(); err != nil {
					b.Fatal(err)
				}
				defer func() { cmd.Process.Kill(); cmd.Wait() }() //nolint:errcheck // it runs
				shells = append(shells, Shell{fmtInt(cmd.Process.Pid), cmd.Process.Pid})
			}
			s := New(Config{Shells: func() []Shell { return shells }})
			b.ReportAllocs()
			var before, after syscall.Rusage
			syscall.Getrusage(syscall.RUSAGE_SELF, &before) //nolint:errcheck // it cannot fail
			for b.Loop() {
				s.Sample()
			}
			syscall.Getrusage(syscall.RUSAGE_SELF, &after) //nolint:errcheck // it cannot fail
			used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
			b.ReportMetric(float64(used)/float64(b.N)/1e3, "cpu-µs/sample")
			b.ReportMetric(float64(used)/float64(b.N)/Tick.Seconds()/1e7, "%core")
		})
	}
}
