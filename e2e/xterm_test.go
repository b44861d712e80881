package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// xtermRows is how many rows of the scrollback are compared.
const xtermRows = 100

// step is what a terminal gets: bytes, or a size.
type step struct {
	Bytes      []byte `json:",omitempty"`
	Rows, Cols int    `json:",omitempty"`
}

// screens are two ways to one screen.
type screens struct {
	shell        string
	whole, later []step
}

// late attaches another viewer to a shell, and returns the screen that it gets, and the output before that.
func (p process) late(ctx context.Context, shell client.Shell, page *client.ResilientTerminal) (s screens, err error) {
	var stream *client.Stream
	for stream == nil && ctx.Err() == nil {
		own := client.New(p.Base, p.Token)
		defer own.Close()
		stream, _ = own.Follow(ctx, shell, -2) //nolint:errcheck // no node may run
	}
	if err := ctx.Err(); err != nil {
		return s, err
	}
	defer stream.Close()
	s.shell = shell.ID
	var off int64
	for off == 0 {
		e, err := stream.Next()
		if err != nil {
			return p.late(ctx, shell, page)
		}
		var said struct {
			Off        int64
			Rows, Cols int
			Screen     []byte
		}
		if e.Name == "size" || e.Name == "reset" {
			if err := json.Unmarshal(e.Data, &said); err != nil {
				return s, err
			}
			s.later = append(s.later, step{said.Screen, said.Rows, said.Cols})
		}
		if e.Name == "reset" {
			off = said.Off
		}
	}
	got, err := page.Reach(off)
	if err != nil {
		return s, err
	}
	at := int64(0)
	for _, size := range page.Sizes() {
		if size.Off <= off {
			s.whole = append(s.whole, step{got[at:size.Off], 0, 0}, step{nil, size.Rows, size.Cols})
			at = size.Off
		}
	}
	s.whole = append(s.whole, step{got[at:off], 0, 0})
	return s, nil
}

// xterm is a page with the terminal of the console's pages.
type xterm struct {
	t    *testing.T
	page *browser.Page
	list screens // that the page fetches
}

// newXterm opens the page. Without a browser it skips the test.
func newXterm(t *testing.T) *xterm {
	t.Helper()
	browser.Need(t)
	x := &xterm{t: t}
	mux := http.NewServeMux()
	mux.Handle("/vendor/", http.FileServer(http.Dir("assets")))
	mux.Handle("/golden/", http.StripPrefix("/golden/", http.FileServer(http.Dir("internal/tools/golden"))))
	mux.Handle("/", http.FileServer(http.Dir("e2e/testdata/xterm")))
	mux.HandleFunc("/whole", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(x.list.whole) })
	mux.HandleFunc("/later", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(x.list.later) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	x.page = browser.Shared(t).Open(t, server.URL)
	x.page.Wait(`window.state`)
	return x
}

// check compares what comes, until it is closed.
func (x *xterm) check(list <-chan screens) {
	x.t.Helper()
	n := 0
	for x.list = range list {
		n++
		want := browser.Eval[string](x.page, fmt.Sprintf(`window.state("/whole", %d)`, xtermRows))
		got := browser.Eval[string](x.page, fmt.Sprintf(`window.state("/later", %d)`, xtermRows))
		if got != want {
			x.t.Errorf("shell %s: who comes later sees\n%s", x.list.shell, difference(want, got))
			x.save()
		}
	}
	x.t.Logf("%d screens compared", n)
	x.page.Clean()
}

// save writes what differs to a file, if a variable names one.
func (x *xterm) save() {
	if file := os.Getenv("CONVOY_TEST_SCREENS"); file != "" {
		text, err := json.Marshal(map[string][]step{"whole": x.list.whole, "later": x.list.later})
		testkit.Must(x.t, err)
		testkit.Must(x.t, os.WriteFile(file, text, 0o600))
	}
}

// difference is the lines in which two texts differ.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) {
			fmt.Fprintf(&out, "%d lines, want %d", len(b), len(a))
			break
		}
		if a[i] != b[i] {
			fmt.Fprintf(&out, "want %s\ngot  %s\n", a[i], b[i])
		}
	}
	return out.String()
}
