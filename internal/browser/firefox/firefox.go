// Package firefox is the test kit that drives a real Firefox, for what differs from Chromium. It speaks WebDriver BiDi
// (w3c.github.io/webdriver-bidi) with the browser itself; there is no driver in between.
//
// Everything ends with the test that started it. A test is skipped where there is no Firefox.
package firefox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"convoy/internal/testkit"
)

// names are what Firefox is called, in the order of preference.
var names = []string{"firefox-esr", "firefox"}

// settings are Firefox's preferences for tests. The protocol's own recommended ones add to them.
const settings = `
user_pref("network.dns.disableIPv6", true); // tests' servers listen on one of localhost's addresses
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("nimbus.rollouts.enabled", false);
user_pref("services.settings.server", "data:,none");
user_pref("browser.safebrowsing.update.enabled", false);
user_pref("ui.primaryPointerCapabilities", 6); // a mouse; without a screen there is none
user_pref("ui.allPointerCapabilities", 6);
user_pref("dom.events.testing.asyncClipboard", true); // tests fill the clipboard
user_pref("middlemouse.paste", true);
user_pref("general.autoScroll", false);
user_pref("fission.autostart", false); // one process for all pages: a new one takes a second on a busy machine
user_pref("dom.ipc.processCount", 1);
user_pref("dom.ipc.processPrelaunch.enabled", false);
`

// startTime is what a browser gets to start. It needs more processor time than any later step.
const startTime = 3 * testkit.Patience

// stopTime is what a browser gets to close its files before it is killed.
const stopTime = 10 * time.Second

// Browser is one Firefox process with a fresh profile. It and its pages are not safe for concurrent use.
type Browser struct {
	socket *websocket.Conn
	last   int    // number of the last command
	front  string // the browsing context that is shown
	logs   map[string][]string
}

// Start starts a browser, which the test's end stops. It skips the test if there is none, or if tests are to be short.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := need(t)
	profile := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(profile, "user.js"), []byte(settings), 0o600))
	cmd := exec.Command(path, "--headless", "--remote-debugging-port=0", "--remote-allow-system-access",
		"--profile", profile)
	cmd.Env = append(os.Environ(), "HOME="+profile, "MOZ_CRASHREPORTER_DISABLE=1")
	tie(cmd)
	testkit.Must(t, cmd.Start())
	b := &Browser{logs: map[string][]string{}}
	t.Cleanup(func() { b.stop(cmd) })
	b.dial(t, filepath.Join(profile, "WebDriverBiDiServer.json"))
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	testkit.Must(t, b.try(ctx, "session.new", values{"capabilities": values{}}, nil)) // once all is initialized
	b.call(t, "session.subscribe", values{"events": []string{"log.entryAdded"}}, nil)
	return b
}

func need(t testing.TB) (path string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs Firefox, and -short goes without")
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skipf("needs Firefox: none of %q is installed", names)
	return ""
}

// dial connects to a browser, which writes its address to a file.
func (b *Browser) dial(t testing.TB, file string) {
	t.Helper()
	var at struct {
		Host string `json:"ws_host"`
		Port int    `json:"ws_port"`
	}
	testkit.Eventually(t, "Firefox listens", func() bool {
		text, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(text, &at) == nil
	})
	socket, _, err := websocket.Dial(testkit.Context(t), fmt.Sprintf("ws://%s:%d/session", at.Host, at.Port), nil)
	testkit.Must(t, err)
	socket.SetReadLimit(-1)
	b.socket = socket
}

// stop ends the browser and waits for it.
func (b *Browser) stop(cmd *exec.Cmd) {
	killer := time.AfterFunc(stopTime, func() { cmd.Process.Kill() }) //nolint:errcheck // it has ended
	defer killer.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if b.socket == nil || b.try(ctx, "browser.close", values{}, nil) != nil {
		cmd.Process.Kill() //nolint:errcheck // it has ended
	}
	cmd.Wait() //nolint:errcheck // it may have been killed
	if b.socket != nil {
		b.socket.CloseNow() //nolint:errcheck // the other side has gone
	}
}

// values are the parameters of a command.
type values map[string]any

// message is an answer, or an event if it has a method.
type message struct {
	ID             int
	Method         string
	Params, Result json.RawMessage
	Error, Message string
}

// call runs a command and stores its result in result, if that is not nil. It ends the test on an error.
func (b *Browser) call(t testing.TB, method string, params values, result any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
	defer cancel()
	if err := b.try(ctx, method, params, result); err != nil {
		t.Fatalf("firefox: %s: %v", method, err)
	}
}

// try runs a command. It takes the events that come before the answer: there is no other reader.
func (b *Browser) try(ctx context.Context, method string, params values, result any) error {
	b.last++
	command := values{"id": b.last, "method": method, "params": params}
	if err := wsjson.Write(ctx, b.socket, command); err != nil {
		return err
	}
	for {
		var m message
		if err := wsjson.Read(ctx, b.socket, &m); err != nil {
			return err
		}
		switch {
		case m.Method == "log.entryAdded":
			b.record(m.Params)
		case m.ID == b.last && m.Error != "":
			return fmt.Errorf("%s: %s", m.Error, m.Message)
		case m.ID == b.last && result != nil:
			return json.Unmarshal(m.Result, result)
		case m.ID == b.last:
			return nil
		}
	}
}

// record keeps what a page's console says in earnest.
func (b *Browser) record(params json.RawMessage) {
	var entry struct {
		Level, Text string
		Source      struct{ Context string }
	}
	if json.Unmarshal(params, &entry) == nil && slices.Contains([]string{"error", "warn"}, entry.Level) {
		at := entry.Source.Context
		b.logs[at] = append(b.logs[at], entry.Level+": "+entry.Text)
	}
}
