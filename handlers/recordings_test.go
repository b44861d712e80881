package handlers

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"convoy/access"
	"convoy/fleet"
	"convoy/handlers/session"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/pty/cast"
	"convoy/templates"
)

// recorded asks for a recording's start or stop and returns the answer's JSON.
func recorded(t *testing.T, c *client.Client, method string, s client.Shell) (r templates.Recording) {
	t.Helper()
	testkit.Must(t, c.Do(testkit.Context(t), method, s.Path()+"/recording", nil, &r))
	return r
}

func TestRecordingOverHTTP(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	s, term := n.open(t, c)
	made := recorded(t, c, "POST", s)
	if !cast.ValidID(made.ID) || made.State != string(cast.Recording) || made.Node != self || made.Shell != s.ID ||
		made.By != access.ConsoleToken || made.Title != "cat" {
		t.Errorf("made %+v", made)
	}
	file := "/nodes/" + self + "/recordings/" + made.ID
	n.refusesRecordings(t, s, made.ID)
	if info := n.Shells.List()[0]; !info.Recording {
		t.Error("the shell does not say that it is recorded")
	}
	testkit.Must(t, term.Type(testkit.Context(t), "said\r"))
	testkit.Must(t, term.WaitFor(testkit.Context(t), "said\r\nsaid"))
	if ended := recorded(t, c, "DELETE", s); ended.ID != made.ID || ended.State != string(cast.Finished) ||
		ended.Reason != "stopped by "+access.ConsoleToken {
		t.Errorf("ended %+v", ended)
	}
	if answer := n.request(t, "DELETE", s.Path()+"/recording", "", bearer); answer.StatusCode != http.StatusConflict {
		t.Errorf("stopped again: %s", answer.Status)
	}
	answer := n.request(t, "GET", file, "", bearer)
	head := answer.Header
	if head.Get("Content-Type") != "application/x-asciicast" ||
		head.Get("Content-Disposition") != `attachment; filename="`+made.ID+`.cast"` || answer.ContentLength <= 0 {
		t.Errorf("headers %v", head)
	}
	if text := screenOf(t, answer.Body); !strings.Contains(text, "said") {
		t.Errorf("it shows %q", text)
	}
	testkit.Must(t, c.Do(testkit.Context(t), "DELETE", file, nil, nil))
	var list []templates.Recording
	if testkit.Must(t, c.Do(testkit.Context(t), "GET", "/nodes/"+self+"/recordings", nil, &list)); len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
}

// refusesRecordings checks requests about recordings that cannot be fulfilled while id is being recorded.
func (n *testNode) refusesRecordings(t *testing.T, s client.Shell, id string) {
	t.Helper()
	file := "/nodes/" + self + "/recordings/" + id
	for _, test := range []struct {
		method, path string
		want         int
	}{
		{"POST", s.Path() + "/recording", 409},
		{"DELETE", file, 409},
		{"POST", "/nodes/" + self + "/shells/nosuchone1/recording", 404},
		{"DELETE", "/nodes/" + self + "/shells/nosuchone1/recording", 404},
		{"GET", "/nodes/" + self + "/recordings/20261125-101502-nosuch", 404},
		{"GET", "/nodes/" + self + "/recordings/..%2f..%2fsecret", 404},
		{"DELETE", "/nodes/" + self + "/recordings/..%2f..%2fsecret", 404},
		{"GET", "/recordings/" + self + "/20261125-101502-nosuch", 404},
		{"GET", "/recordings/nosuchnode/" + id, 404},
	} {
		if answer := n.request(t, test.method, test.path, "", bearer); answer.StatusCode != test.want {
			t.Errorf("%s %s: %s, want %d", test.method, test.path, answer.Status, test.want)
		}
	}
}

// screenOf is all that a recording puts out.
func screenOf(t *testing.T, in io.Reader) string {
	t.Helper()
	r, err := cast.NewReader(in)
	testkit.Must(t, err)
	var out strings.Builder
	for e, err := r.Next(); err == nil; e, err = r.Next() {
		out.WriteString(e.Data)
	}
	return out.String()
}

func TestPagesOfRecordings(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	c := n.client(t)
	page := func(path string) string {
		answer := n.request(t, "GET", path, "", bearer, "Accept: text/html")
		body, err := io.ReadAll(answer.Body)
		testkit.Must(t, err)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", path, answer.Status)
		}
		return string(body)
	}
	if text := page("/recordings"); !strings.Contains(text, "No recordings yet") {
		t.Errorf("the empty page: %s", text)
	}
	s, _ := n.open(t, c)
	made := recorded(t, c, "POST", s)
	if text := page("/recordings"); !strings.Contains(text, "/recordings/"+self+"/"+made.ID) {
		t.Errorf("the page: %s", text)
	}
	if text := page("/recordings/convoy/" + made.ID); !strings.Contains(
		text, `data-src="/nodes/`+self+`/recordings/`+made.ID,
	) {
		t.Errorf("the player: %s", text)
	}
	var all struct {
		Recordings  []templates.Recording
		Unreachable []templates.Silent
	}
	if testkit.Must(t, c.Do(testkit.Context(t), "GET", "/recordings", nil, &all)); len(all.Recordings) != 1 ||
		all.Unreachable == nil {
		t.Errorf("for scripts: %+v", all)
	}
}

// other is the name of a node that stranger speaks for.
const other = "convoy@other.test"

// stranger is a cluster whose other node answers as it likes.
type stranger struct{ answer http.HandlerFunc }

func (s stranger) Do(_ string, r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.answer(w, r)
	return w.Result(), nil
}

func (stranger) Call(context.Context, string, string, ...any) (json.RawMessage, error) {
	return nil, io.ErrUnexpectedEOF
}

func (stranger) Connect(context.Context, string) error { return nil }

// besides adds another node to the list, which answers so.
func (n *testNode) besides(answer http.HandlerFunc) {
	n.reach(stranger{answer})
	now := time.Now()
	n.Fleet.SetMembers([]fleet.Member{
		{Name: self, Instance: "instance", State: fleet.MemberAlive, Self: true, Started: now, Seen: now},
		{Name: other, Instance: "another", State: fleet.MemberAlive, Started: now, Seen: now},
	})
}

// What another node says of its recordings is not believed: neither what they are called, nor what kind of file they
// are.
func TestHostileNodesRecordings(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.besides(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/recordings") {
			io.WriteString(
				w,
				`[{"id":"../../evil","node":"x"},{"id":"20261125-101502-good","node":"<b>",`+
					`"title":"<script>alert(1)</script>","seconds":-1,"bytes":-5}]`,
			)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Content-Disposition", "inline")
		w.Header().Set("Set-Cookie", "a=b")
		io.WriteString(w, "<script>alert(1)</script>")
	})
	list, err := n.recordingsOf(t.Context(), other)
	if err != nil || len(list) != 1 || list[0].Node != other {
		t.Errorf("%+v, %v", list, err)
	}
	body, err := io.ReadAll(n.request(t, "GET", "/recordings", "", bearer, "Accept: text/html").Body)
	testkit.Must(t, err)
	if text := string(body); strings.Contains(text, "<script>alert") || strings.Contains(text, "evil") ||
		!strings.Contains(text, "20261125-101502-good") {
		t.Errorf("the page: %s", text)
	}
	answer := n.request(t, "GET", "/nodes/other/recordings/20261125-101502-good", "", bearer)
	if kind := answer.Header.Get("Content-Type"); kind != "application/json" || answer.Header.Get("Set-Cookie") != "" ||
		answer.Header.Get("Content-Disposition") != "" {
		t.Errorf("passed on: %v", answer.Header)
	}
}

func TestUnreachableNodesAreNamed(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.besides(nil)
	for reason, cluster := range map[string]Cluster{
		"no route":         alone{},
		"answered 500":     stranger{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }},
		"does not support": stranger{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }},
	} {
		n.reach(cluster)
		_, mute := n.allRecordings(t.Context())
		if len(mute) != 1 || mute[0].Node != other || !strings.Contains(mute[0].Error, reason) {
			t.Errorf("%q: %+v", reason, mute)
		}
	}
	answer := n.request(t, "GET", "/recordings/other/20261125-101502-good", "", bearer)
	if answer.StatusCode != http.StatusBadGateway {
		t.Errorf("player: %s", answer.Status)
	}
}

// Nodes sign the user of a request to each other. A browser cannot claim to be another user.
func TestUserTravels(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	told := make(chan string, 1)
	n.besides(func(w http.ResponseWriter, r *http.Request) { told <- r.Header.Get(session.AssertionHeader) })
	forged := session.Assertion{
		Who:   access.Identity{User: "somebody", Role: access.Admin},
		Until: time.Now().Add(time.Minute),
	}.Sign(keyOf('x'))
	n.request(t, "POST", "/nodes/other/shells/x/recording", "", bearer, session.AssertionHeader+": "+forged)
	if said, ok := session.VerifyAssertion(
		n.Assertions, <-told, time.Now(),
	); !ok || said.Who.User != access.ConsoleToken || said.Who.Role != access.Admin {
		t.Errorf("the other node was told of %+v, %v", said, ok)
	}
	s, err := n.client(t).Open(testkit.Context(t), self)
	testkit.Must(t, err)
	now := time.Now()
	good := session.Assertion{Who: access.Identity{User: "ann", Role: access.Admin}, Until: now.Add(session.AssertionLife)}
	for name, test := range map[string]struct {
		said   string
		status int
	}{
		"signed": {good.Sign(keyOf('n')), http.StatusCreated},
		"forged": {forged, http.StatusForbidden},
		"none":   {"", http.StatusForbidden},
		"long ago": {session.Assertion{Who: access.Identity{User: "ann", Role: access.Admin},
			Until: now.Add(-time.Hour)}.Sign(keyOf('n')), http.StatusForbidden},
		"from tomorrow": {session.Assertion{Who: access.Identity{User: "ann", Role: access.Admin},
			Until: now.Add(24 * time.Hour)}.Sign(keyOf('n')), http.StatusForbidden},
		"of an operator": {session.Assertion{Who: access.Identity{User: "ann", Role: access.Operator},
			Until: now.Add(session.AssertionLife)}.Sign(keyOf('n')), http.StatusForbidden},
		"cut":  {good.Sign(keyOf('n'))[:40], http.StatusForbidden},
		"huge": {strings.Repeat("x", 1<<16), http.StatusForbidden},
	} {
		r := httptest.NewRequest("POST", "/nodes/"+self+"/shells/"+s.ID+"/recording", nil)
		r.Header.Set(session.AssertionHeader, test.said)
		w := httptest.NewRecorder()
		n.Peer().ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: %d, want %d: %s", name, w.Code, test.status, w.Body)
			continue
		}
		if w.Code != http.StatusCreated {
			continue
		}
		var made templates.Recording
		testkit.Must(t, json.Unmarshal(w.Body.Bytes(), &made))
		if made.By != "ann" {
			t.Errorf("recorded by %q", made.By)
		}
		_, err := n.Shells.StopRecording(s.ID, "ann")
		testkit.Must(t, err)
	}
}

func TestLengthAndSize(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{-1: "0:00", 5.9: "0:05", 754: "12:34", 3600: "1:00:00",
		1e300: "277777:46:40"} {
		if got := (templates.Recording{Seconds: seconds}).Length(); got != want {
			t.Errorf("length(%g) = %q, want %q", seconds, got, want)
		}
	}
	for bytes, want := range map[int64]string{0: "0 B", 1023: "1023 B", 2048: "2 KiB", 3 << 19: "1.5 MiB",
		5 << 30: "5.0 GiB"} {
		if got := (templates.Recording{Bytes: bytes}).Size(); got != want {
			t.Errorf("size(%d) = %q, want %q", bytes, got, want)
		}
	}
}
