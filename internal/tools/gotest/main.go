// Command gotest runs go test, and reports what people and CI need: failed tests with their output, skipped tests with
// the reason, the slowest tests, and the number of tests.
//
//	go run ./internal/tools/gotest [flags of go test] [packages]
//
// On Linux the tests end with gotest, even after kill -9.
package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == leashArg {
		fatal(leash(os.Args[2:]))
	}
	runtime.LockOSThread() // the tests end when the thread that started them does
	bind(syscall.SIGTERM)  // go run may be killed
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt, syscall.SIGTERM)
	go func() {
		fmt.Fprintf(os.Stderr, "gotest: stopped: %v\n", <-stopped)
		os.Exit(130) // and so the tests end
	}()

	var flags, patterns []string
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(arg, "./") || arg == "." {
			patterns = append(patterns, arg)
		} else {
			flags = append(flags, arg)
		}
	}
	found, err := packages(patterns)
	if err != nil {
		fatal(err)
	}
	r := newReport(os.Stdout, slices.Contains(flags, "-v"))
	status := run(r, slices.Concat(flags, found))
	r.summary()
	os.Exit(status)
}

// slow are the packages that take longest: what starts first is not waited for in the end.
var slow = []string{"convoy/e2e", "convoy/internal/netlab", "convoy/assets", "convoy/handlers", "convoy/repl"}

// packages lists what patterns name, all for none, the slow ones first.
func packages(patterns []string) ([]string, error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	list := exec.Command("go", append([]string{"list"}, patterns...)...)
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	found := strings.Fields(string(out))
	place := func(name string) int {
		if i := slices.Index(slow, name); i >= 0 {
			return i
		}
		return len(slow)
	}
	slices.SortStableFunc(found, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	return found, nil
}

// run runs go test from the thread of main, and returns its exit status.
func run(r *report, args []string) int {
	command := []string{"test", "-json"}
	// short tests soon end by themselves, and go test remembers no results of an -exec
	if !slices.Contains(args, "-short") {
		command = append(command, leashed()...)
	}
	cmd := exec.Command("go", append(command, args...)...)
	if !slices.Contains(args, "-race") && os.Getenv("CGO_ENABLED") == "" {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as Convoy is released: tests that build it build less
	}
	cmd.Stderr = os.Stderr
	tie(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		fatal(err)
	}
	if err := cmd.Start(); err != nil {
		fatal(err)
	}
	r.read(out)
	if err := cmd.Wait(); err != nil {
		return max(1, cmd.ProcessState.ExitCode())
	}
	return 0
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "gotest:", err)
	os.Exit(2)
}
