package assets_test

import (
	"fmt"
	"strings"
	"testing"

	"convoy/internal/browser"
)

// TestScripts drives the scripts in a real browser against a scripted server.
func TestScripts(t *testing.T) {
	b := browser.Start(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *browser.Browser)
	}{
		{"draws and types", testDrawsAndTypes},
	} {
		t.Run(test.name, func(t *testing.T) { t.Parallel(); test.run(t, b) })
	}
}

func testDrawsAndTypes(t *testing.T, b *browser.Browser) {
	s := newScript(t)
	s.put("\x1b[31mhello\x1b[0m wörld 🙂|\r\n$ ")
	p := s.open(b, "")
	p.WaitScreen(key, "hello wörld 🙂|")
	p.FocusPane(key)
	p.Type("echo 'it''s'")
	p.Press("Enter")
	p.Press("Ctrl+c")
	p.Press("ArrowUp")
	s.untilTyped("echo 'it''s'\r\x03\x1b[A")
	s.put("ok\r\n")
	p.WaitScreen(key, "$ ok")
	p.Screenshot("/tmp/f2/shot.png")
	p.Clean()
	if failed := p.FailedRequests(); len(failed) > 0 {
		t.Errorf("failed requests: %q", failed)
	}
	fmt.Println(strings.Join(s.asked, " "))
}
