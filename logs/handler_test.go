package logs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
)

// TestHandler_KeepsSlogsRules runs package slog's own tests against the ring.
func TestHandler_KeepsSlogsRules(t *testing.T) {
	var ring *Ring
	slogtest.Run(t, func(*testing.T) slog.Handler {
		ring = New(10)
		return ring.Handler(slog.NewTextHandler(io.Discard, nil))
	}, func(t *testing.T) map[string]any {
		return nested(ring.Tail(1)[0], !strings.HasSuffix(t.Name(), "zero-time")) // a line always has a time
	})
}

// nested turns dotted keys back into groups.
func nested(l Line, timed bool) map[string]any {
	m := map[string]any{slog.MessageKey: l.Message, slog.LevelKey: l.Level}
	if timed {
		m[slog.TimeKey] = l.Time
	}
	for _, a := range l.Attrs {
		at := m
		keys := strings.Split(a.Key, ".")
		for _, k := range keys[:len(keys)-1] {
			if at[k] == nil {
				at[k] = make(map[string]any)
			}
			at = at[k].(map[string]any)
		}
		at[keys[len(keys)-1]] = a.Value
	}
	return m
}

func TestRingAndNextHandlerGetTheRecord(t *testing.T) {
	var out bytes.Buffer
	r := New(10)
	log := slog.New(r.Handler(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelInfo})))
	log.With("component", "worker").WithGroup("from").Info("received ping", "node", "convoy@a.x")
	log.Debug("below the level")
	lines := r.Tail(10)
	want := []Attr{{"component", "worker"}, {"from.node", "convoy@a.x"}}
	if len(lines) != 1 || lines[0].Message != "received ping" || !reflect.DeepEqual(lines[0].Attrs, want) {
		t.Errorf("ring has %+v, want one line with %+v", lines, want)
	}
	if got := out.String(); !strings.Contains(got, `msg="received ping" component=worker from.node=convoy@a.x`) ||
		strings.Contains(got, "below") {
		t.Errorf("the next handler wrote %q", got)
	}
}

func TestHandler_Values(t *testing.T) {
	r, log := logger(1)
	tests := []struct {
		value any
		want  string
	}{
		{"text", "text"},
		{3, "3"},
		{1.5, "1.5"},
		{true, "true"},
		{1500 * time.Millisecond, "1.5s"},
		{noon.In(time.FixedZone("", 3600)), "2026-11-22T12:00:00Z"},
		{errors.New("no room"), "no room"},
		{netip.MustParseAddrPort("[::1]:4444"), "[::1]:4444"},
		{[]byte("bytes"), "bytes"},
		{[]string{"a", "b"}, "[a b]"},
		{nil, "<nil>"},
		{(*netip.AddrPort)(nil), "<nil>"}, // its String would panic
		{secret{}, "hidden"},
	}
	for _, test := range tests {
		log.Info("m", "v", test.value)
		if got := r.Tail(1)[0].Attrs; len(got) != 1 || got[0].Value != test.want {
			t.Errorf("value %#v became %+v, want %q", test.value, got, test.want)
		}
	}
}

type secret struct{}

func (secret) LogValue() slog.Value { return slog.StringValue("hidden") }

func TestHandler_WithAttrsDoesNotShare(t *testing.T) {
	r, log := logger(2)
	base := log.With("a", 1, "b", 2, "c", 3)
	one, two := base.With("who", "one"), base.With("who", "two")
	one.Info("m")
	two.Info("m")
	for i, want := range []string{"one", "two"} {
		if got := r.Tail(2)[i].Attrs[3].Value; got != want {
			t.Errorf("line %d is of %q, want %q", i, got, want)
		}
	}
}

func TestJSONHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewWriter(&out, false).Handler(slog.LevelDebug))
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError,
		slog.LevelError + 4} {
		log.Log(t.Context(), level, "a\x1b\nb", "level", "of water", slog.Group("g", "level", "kept", "msg", "kept"))
	}
	for _, want := range []string{"debug", "info", "warn", "error", "error"} {
		line, err := out.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(line, []byte(`{"time":"`)) ||
			!bytes.Contains(line, []byte(`"level":"`+want+`","message":"a\u001b\nb","level":"of water"`)) {
			t.Errorf("line is %s, want time, level %q, message", line, want)
		}
		var object struct {
			Time time.Time
			G    map[string]string
		}
		if err := json.Unmarshal(line, &object); err != nil || object.Time.IsZero() || object.G["level"] != "kept" ||
			object.G["msg"] != "kept" {
			t.Errorf("line %s: %v", line, err)
		}
	}
}

func TestTextHandler(t *testing.T) {
	at := time.Date(2026, 11, 22, 20, 7, 25, 0, time.Local)
	tests := []struct {
		level   slog.Level
		message string
		attrs   []slog.Attr
		want    string
	}{
		{slog.LevelInfo, "member joined", []slog.Attr{slog.String("node", "convoy@a.x"), slog.Int("n", 3)},
			"20:07:25 INFO  member joined  node=convoy@a.x n=3\n"},
		{slog.LevelError, "no room", nil, "20:07:25 ERROR no room\n"},
		{slog.LevelWarn, "w", []slog.Attr{slog.String("err", "two words"), slog.String("empty", "")},
			"20:07:25 WARN  w  err=\"two words\" empty=\"\"\n"},
		{slog.LevelInfo, "evil \x1b]0;title\a\r\nline\x7f\xff\u202e", []slog.Attr{slog.String("k\x1b", "v\x1b[2J\n")},
			`20:07:25 INFO  evil \x1b]0;title\a\r\nline\x7f\xff\u202e  k\x1b="v\x1b[2J\n"` + "\n"},
		{
			slog.LevelInfo,
			"naïve 世界 🙂",
			[]slog.Attr{slog.Group("g", slog.String("a", "ö"))},
			"20:07:25 INFO  naïve 世界 🙂  g.a=ö\n",
		},
	}
	for _, test := range tests {
		var out bytes.Buffer
		r := slog.NewRecord(at, test.level, test.message, 0)
		r.AddAttrs(test.attrs...)
		text := NewWriter(&out, true).Handler(slog.LevelInfo)
		if err := text.Handle(t.Context(), r); err != nil || out.String() != test.want {
			t.Errorf("wrote %q, %v, want %q", out.String(), err, test.want)
		}
	}
}

func TestTextHandler_LevelAndWith(t *testing.T) {
	var out bytes.Buffer
	level := new(slog.LevelVar)
	level.Set(slog.LevelWarn)
	log := slog.New(NewWriter(&out, true).Handler(level)).With("a", 1).WithGroup("g").With("b", 2)
	log.Info("not yet")
	level.Set(slog.LevelInfo)
	log.Info("now", "c", 3)
	if got := out.String(); !strings.HasSuffix(got, " INFO  now  a=1 g.b=2 g.c=3\n") || strings.Contains(got, "not yet") {
		t.Errorf("wrote %q", got)
	}
}

// TestHandlers_WriterThatHangs: a full pipe does not stop the program, and lost lines are counted when it is read
// again.
func TestHandlers_WriterThatHangs(t *testing.T) {
	for name, text := range map[string]bool{"json": false, "text": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, out, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			log := slog.New(NewWriter(out, text).Handler(slog.LevelInfo))
			const lines = 3 * maxQueued
			for range lines { // would block here
				log.Info("a line of some length, so that the pipe is full before long", "k", strings.Repeat("v", 100))
			}
			written := 0
			scanner := bufio.NewScanner(in)
			for scanner.Scan() && !strings.Contains(scanner.Text(), droppedMessage) {
				written++
			}
			if written < maxQueued || written >= lines {
				t.Errorf("%d of %d lines were written", written, lines)
			}
			out.Close()
			for scanner.Scan() { // the writing goroutine ends with its lines
			}
		})
	}
}
