package browser_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"convoy/internal/browser"
)

const token = "a-token-for-the-browser-tests-only-0123456789"

// built builds the program once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "convoy-browser-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "convoy")
	out, err := exec.Command("go", "build", "-o", path, "convoy").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// start runs Convoy with a fleet on this machine and returns its console's address.
func start(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // finds a free port
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	listener.Close()
	rc := filepath.Join(t.TempDir(), "rc")
	if err := os.WriteFile(rc, []byte("PS1='$ '\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	program := exec.CommandContext(ctx, path, "-addr", addr, "-shell", "bash --noprofile --rcfile "+rc, "-dir", t.TempDir(), "-log", "text")
	program.Cancel = func() error { return program.Process.Signal(syscall.SIGTERM) }
	program.WaitDelay = 15 * time.Second
	program.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "CONVOY_TOKEN=" + token, "LANG=C.UTF-8"}
	log, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	program.Stderr = program.Stdout
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var lines []string
	var reading sync.WaitGroup
	reading.Go(func() {
		for in := bufio.NewScanner(log); in.Scan(); {
			mu.Lock()
			lines = append(lines, in.Text())
			mu.Unlock()
		}
	})
	t.Cleanup(func() {
		cancel()
		reading.Wait()
		program.Wait()
		mu.Lock()
		defer mu.Unlock()
		if t.Failed() {
			t.Logf("log of the program:\n%s", strings.Join(lines[max(0, len(lines)-60):], "\n"))
		}
	})
	for end := time.Now().Add(20 * time.Second); ; {
		answer, err := http.Get("http://" + addr + "/healthz")
		if err == nil {
			answer.Body.Close()
			return addr
		}
		if time.Now().After(end) {
			t.Fatalf("the program does not serve: %v", err)
		}
	}
}

// open opens the console at addr and waits until its first shell has a prompt. It returns the shell's key.
func open(t *testing.T, b *browser.Browser, addr string) (*browser.Page, string) {
	t.Helper()
	p := b.Open(t, "http://"+addr+"/?token="+token)
	p.Wait(`window.convoy?.panes.size > 0`)
	key := p.Panes()[0]
	p.WaitScreen(key, "$")
	return p, key
}

// enter types a line into a shell.
func enter(p *browser.Page, key, line string) {
	p.FocusPane(key)
	p.Type(line)
	p.Press("Enter")
}

func TestConsole(t *testing.T) {
	b := browser.Start(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"types", testTypes},
		{"spawns", testSpawns},
		{"survives an unplugged network", testUnplugged},
		{"stays alive in a flood", testFlood},
		{"two readers", testTwoReaders},
		{"ends and restarts", testRestarts},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

func testTypes(t *testing.T, b *browser.Browser) {
	p, key := open(t, b, start(t))
	enter(p, key, `echo "it's $((6*7))" 🙂`)
	p.WaitScreen(key, "\nit's 42 🙂")
	enter(p, key, "stty size")
	p.Wait(fmt.Sprintf(`(pane => pane.text().includes("\n" + pane.size.rows + " " + pane.size.cols))(window.convoy.panes.get(%q))`, key))
	p.Clean()
}

func testSpawns(t *testing.T, b *browser.Browser) {
	p, _ := open(t, b, start(t))
	p.Click("#spawn")
	p.Wait(`window.convoy.panes.size === 2`)
	key := p.Panes()[1]
	p.WaitScreen(key, "$")
	p.Wait(fmt.Sprintf(`document.activeElement.closest(".shell")?.pane === window.convoy.panes.get(%q)`, key))
	p.Type("echo over $((50+50)) there")
	p.Press("Enter")
	p.WaitScreen(key, "\nover 100 there")
	p.Clean()
}

func testUnplugged(t *testing.T, b *browser.Browser) {
	proxy := browser.NewProxy(t, start(t))
	p, key := open(t, b, proxy.Addr())
	enter(p, key, `for i in {1..3000}; do echo "row $i of three thousand"; ((i % 300)) || sleep 0.1; done`)
	for i := range 4 {
		p.WaitScreen(key, "thousand")
		if i%2 == 0 {
			proxy.Cut()
		} else {
			proxy.Stop()
			proxy.Resume()
		}
		p.Wait(`document.body.dataset.link === "open"`)
	}
	proxy.Stop()
	p.Type("echo typed $((1000-1)) in the dark")
	p.Press("Enter")
	proxy.Resume()
	p.WaitScreen(key, "\ntyped 999 in the dark")
	all := browser.Eval[string](p, fmt.Sprintf(`window.convoy.panes.get(%q).text(true)`, key))
	at := 0
	for i := range 3000 {
		row := fmt.Sprintf("row %d of three thousand\n", i+1)
		next := strings.Index(all, row)
		if next < at || strings.Count(all, "\n"+row) != 1 {
			t.Fatalf("row %d is there %d times", i+1, strings.Count(all, "\n"+row))
		}
		at = next
	}
	if n := strings.Count(all, "\ntyped 999"); n != 1 {
		t.Errorf("the line ran %d times", n)
	}
	p.Clean()
}

func testFlood(t *testing.T, b *browser.Browser) {
	p, key := open(t, b, start(t))
	enter(p, key, "yes")
	p.Wait(fmt.Sprintf(`window.convoy.panes.get(%q).drawn > 5e6`, key))
	if n := p.Undrawn(key); n > 1<<20 {
		t.Errorf("%d bytes are undrawn", n)
	}
	begin := time.Now()
	p.Press("Ctrl+c")
	p.WaitScreen(key, "^C")
	t.Logf("prompt %v after Ctrl+C", time.Since(begin).Round(time.Millisecond))
	enter(p, key, "echo still $((40+2)) alive")
	p.WaitScreen(key, "\nstill 42 alive")
	p.Clean()
}

func testTwoReaders(t *testing.T, b *browser.Browser) {
	addr := start(t)
	one, key := open(t, b, addr)
	enter(one, key, "echo from $((1+0)) one")
	one.WaitScreen(key, "\nfrom 1 one")
	two, same := open(t, b, addr)
	if same != key {
		t.Fatalf("the second page opened another shell")
	}
	two.WaitScreen(key, "\nfrom 1 one")
	enter(two, key, "echo from $((1+1)) two")
	one.WaitScreen(key, "\nfrom 2 two")
	two.WaitScreen(key, "\nfrom 2 two")
	if a, b := one.Screen(key), two.Screen(key); a != b {
		t.Errorf("the screens differ:\n%s\n---\n%s", a, b)
	}
	one.Clean()
	two.Clean()
}

func testRestarts(t *testing.T, b *browser.Browser) {
	p, key := open(t, b, start(t))
	enter(p, key, "exit 3")
	p.Wait(`document.querySelector(".shell-bar:not([hidden]) span")?.textContent === "ended with code 3"`)
	p.Click(".shell-bar button")
	p.Wait(fmt.Sprintf(`window.convoy.panes.size === 1 && !window.convoy.panes.has(%q)`, key))
	key = p.Panes()[0]
	p.WaitScreen(key, "$")
	enter(p, key, "echo anew $((2+2))")
	p.WaitScreen(key, "\nanew 4")
	p.Clean()
}
