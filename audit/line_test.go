package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"unicode/utf8"

	"convoy/internal/testkit"
)

var start = Head{Hash: origin}

// TestFormat spells out a line, so that every change of the format is noticed.
func TestFormat(t *testing.T) {
	e := Entry{
		Time:   began,
		Node:   "n",
		User:   "ada",
		Role:   "r",
		Addr:   "::1",
		Action: "a",
		Target: "\"\\/<é😀",
		Result: OK,
		Detail: "\n\x00\x1b[31m\u0085\x7f\u202e\xff",
	}
	const body = `{"seq":1,"time":"2026-11-25T10:15:02.000000001Z","node":"n","user":"ada",` +
		`"role":"r","addr":"::1","action":"a",` +
		`"target":"\"\\/<\u00e9\ud83d\ude00","result":"ok","detail":"\u000a\u0000\u001b[31m\u0085\u007f\u202e\ufffd",` +
		`"prev":"0000000000000000000000000000000000000000000000000000000000000000"`
	sum := sha256.Sum256([]byte(body))
	want := body + `,"hash":"` + hex.EncodeToString(sum[:]) + "\"}\n"
	sealed, line := e.clean().seal(start, nil)
	if string(line) != want {
		t.Fatalf("line\n%swant\n%s", line, want)
	}
	got, err := decode(line[:len(line)-1])
	if err != nil || got != sealed || !got.sealed(line[:len(line)-1]) {
		t.Errorf("read back as %+v, %v", got, err)
	}
	var plain map[string]any
	testkit.Must(t, json.Unmarshal(line, &plain))
	if len(plain) != 12 || plain["target"] != e.Target {
		t.Errorf("as JSON: %v", plain)
	}
}

// TestHashByOtherTools runs the command in the package documentation.
func TestHashByOtherTools(t *testing.T) {
	dir, _ := writtenLog(t, 4)
	out, err := exec.Command("sh", "-c", `line=$(sed -n 3p "$1"); printf %s "${line%,\"hash\":*}" | sha256sum`, "sh",
		names(t, dir)[0]).
		Output()
	if err != nil {
		t.Skipf("no such tools here: %v", err)
	}
	if want := all(t, dir)[2].Hash; !strings.HasPrefix(string(out), want) {
		t.Errorf("sha256sum says %s, want %s", out, want)
	}
}

func TestLongTextsAreTruncated(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{strings.Repeat("x", maxText), strings.Repeat("x", maxText)},
		{strings.Repeat("x", maxText+1), strings.Repeat("x", maxText-len(truncatedMark)) + truncatedMark},
		{strings.Repeat("x", 1<<20), strings.Repeat("x", maxText-len(truncatedMark)) + truncatedMark},
		{strings.Repeat("€", maxText), strings.Repeat("€", (maxText-len(truncatedMark))/3) + truncatedMark},
		{strings.Repeat("x\xff", maxText/2), strings.Repeat("x\uFFFD", (maxText-len(truncatedMark))/4) + "x" + truncatedMark},
		{strings.Repeat("\xff", maxText), "\uFFFD"},
		{strings.Repeat("\xff", maxText+1), "\uFFFD" + truncatedMark},
	} {
		got := cleanText(test.text, maxText)
		if len(got) > maxText || !utf8.ValidString(got) {
			t.Errorf("%d bytes: %q", len(got), got)
		}
		if got != test.want {
			t.Errorf("%.20q… of %d bytes becomes %q, want %q", test.text, len(test.text), got, test.want)
		}
	}
}

func TestLongestLine(t *testing.T) {
	e := Entry{Time: began, Detail: strings.Repeat("\x01", 1<<20)}
	for _, text := range []*string{&e.Node, &e.User, &e.Role, &e.Addr, &e.Action, &e.Target, &e.Result} {
		*text = e.Detail
	}
	_, line := e.clean().seal(Head{Seq: maxSeq - 1, Hash: origin}, nil)
	if len(line) > maxLine {
		t.Errorf("a line has %d bytes, more than the %d that are read", len(line), maxLine)
	}
}

func TestDecode_OnlyExactLines(t *testing.T) {
	_, line := entry(1).clean().seal(start, nil)
	text := string(line[:len(line)-1])
	for name, bad := range map[string]string{
		"empty":         "",
		"newline":       text + "\n",
		"blank":         strings.Replace(text, ":", ": ", 1),
		"another order": strings.Replace(text, `"user":"ada","role":"admin"`, `"role":"admin","user":"ada"`, 1),
		"more":          strings.Replace(text, `{`, `{"x":1,`, 1),
		"twice":         strings.Replace(text, `{`, `{"seq":2,`, 1),
		"less":          strings.Replace(text, `"user":"ada",`, ``, 1),
		"upper case":    strings.Replace(text, `"user"`, `"User"`, 1),
		"escaped":       strings.Replace(text, "ada", `\u0061da`, 1),
		"plain":         strings.Replace(text, `\u00d7`, "×", 1),
		"another zone":  strings.Replace(text, `Z"`, `+00:00"`, 1),
		"number 0":      strings.Replace(text, `"seq":1`, `"seq":0`, 1),
		"huge number":   strings.Replace(text, `"seq":1`, `"seq":9007199254740992`, 1),
		"surrogate":     strings.Replace(text, "ada", `\ud800`, 1),
		"short hash":    text[:len(text)-4] + `"}`,
		"too long":      strings.Replace(text, "ada", strings.Repeat("a", maxLine), 1),
	} {
		if bad == text {
			t.Fatalf("%s: nothing was changed", name)
		}
		if e, err := decode([]byte(bad)); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		}
	}
}

func TestParseHead(t *testing.T) {
	h := Head{7, strings.Repeat("0a", 32)}
	if got, err := ParseHead(h.String()); err != nil || got != h {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "7", ":", "7:0a", "-1:" + h.Hash, "7:" + h.Hash + "0a",
		"7:" + strings.Repeat("xy", 32), "9007199254740992:" + h.Hash} {
		if got, err := ParseHead(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

// FuzzDecode: what is decoded is encoded to the same bytes, and is JSON.
func FuzzDecode(f *testing.F) {
	_, line := entry(1).clean().seal(start, nil)
	f.Add(line[:len(line)-1])
	_, line = Entry{Time: began, Detail: "\x00\n\"\\\xff\u2028😀"}.clean().seal(Head{41, origin}, nil)
	f.Add(line[:len(line)-1])
	f.Add([]byte(`{"seq":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, err := decode(line)
		if err != nil {
			return
		}
		if again := e.Line(); string(again) != string(line) || !json.Valid(line) {
			t.Errorf("%q is written as %q", line, again)
		}
		e.sealed(line)
	})
}

// FuzzEntry: every entry becomes one line of plain ASCII that decodes to the same entry.
func FuzzEntry(f *testing.F) {
	f.Add("ada", "\x00\n\xff\u202e😀", "x")
	f.Add(strings.Repeat("é", 200), strings.Repeat("\xff", 5000), "\\u0000\"")
	f.Fuzz(func(t *testing.T, user, detail, target string) {
		e, line := Entry{Time: began, User: user, Detail: detail, Target: target, Result: OK}.clean().seal(start, nil)
		for _, b := range line[:len(line)-1] {
			if b < 0x20 || b > 0x7e {
				t.Fatalf("byte %#x in %q", b, line)
			}
		}
		got, err := decode(line[:len(line)-1])
		if err != nil || got != e || !got.sealed(line[:len(line)-1]) {
			t.Errorf("%q is read as %+v, %v", line, got, err)
		}
	})
}
