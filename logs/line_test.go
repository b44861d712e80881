package logs

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestLine_JSON(t *testing.T) {
	tests := []struct {
		line Line
		want string
	}{
		{
			Line{Off: 17, Time: noon, Level: slog.LevelInfo, Message: "member joined", Attrs: []Attr{{"member", "convoy@a.x"}}},
			`{"off":17,"time":"2026-11-22T12:00:00Z","level":"INFO","message":"member joined","attrs":{"member":"convoy@a.x"}}`,
		},
		{
			Line{Time: noon, Level: slog.LevelError + 2, Message: ""},
			`{"off":0,"time":"2026-11-22T12:00:00Z","level":"ERROR","message":"","attrs":{}}`,
		},
		{ // control characters are kept, escaped
			Line{Time: noon, Level: slog.LevelWarn, Message: "a\x1b[2J\nb", Attrs: []Attr{{"k\x00", "\u202e"}}},
			`{"off":0,"time":"2026-11-22T12:00:00Z","level":"WARN","message":"a\u001b[2J\nb","attrs":{"k\u0000":"` + "\u202e" +
				`"}}`,
		},
		{ // the last value of a key counts, as for other JSON readers
			Line{Time: noon, Level: slog.LevelDebug, Attrs: []Attr{{"a", "1"}, {"b", "2"}, {"a", "3"}}},
			`{"off":0,"time":"2026-11-22T12:00:00Z","level":"DEBUG","message":"","attrs":{"b":"2","a":"3"}}`,
		},
	}
	for _, test := range tests {
		b, err := json.Marshal(test.line)
		if err != nil || string(b) != test.want {
			t.Errorf("Marshal(%+v) = %s, %v, want %s", test.line, b, err, test.want)
		}
	}
}

func TestLine_JSONRoundTrip(t *testing.T) {
	want := Line{
		Off: 17, Time: noon, Level: slog.LevelWarn, Message: "a\x1b\tb",
		Attrs: []Attr{{"z", "1"}, {"a", "2 3"}, {"m.n", ""}}, // in this order
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Line
	if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s came back as %+v, %v, want %+v", b, got, err, want)
	}
}

func TestLine_UnmarshalRefuses(t *testing.T) {
	for _, bad := range []string{
		`[]`,
		`{"level":"LOUD"}`,
		`{"level":"INFO","attrs":[]}`,
		`{"level":"INFO","attrs":{"a":1}}`,
		`{"level":"INFO","attrs":{"a":{}}}`,
		`{"level":"INFO","off":"1"}`,
	} {
		var l Line
		if err := json.Unmarshal([]byte(bad), &l); err == nil {
			t.Errorf("Unmarshal(%s) = %+v, want an error", bad, l)
		}
	}
}

func FuzzLine_JSON(f *testing.F) {
	f.Add([]byte(`{"off":17,"time":"2026-11-22T12:00:00Z","level":"INFO","message":"m","attrs":{"a":"b"}}`))
	f.Add([]byte(`{"level":"INFO","attrs":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var l Line
		if json.Unmarshal(b, &l) != nil {
			return
		}
		once, err := json.Marshal(l)
		if err != nil {
			return // a year that RFC 3339 does not have
		}
		var back Line
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("cannot read %s again: %v", once, err)
		}
		twice, _ := json.Marshal(back)
		if string(once) != string(twice) {
			t.Fatalf("%s became %s", once, twice)
		}
	})
}

func TestLine_Bounded(t *testing.T) {
	long := strings.Repeat("é", lineBytes)
	tests := []Line{
		{Message: long},
		{Message: "a" + long},
		{Message: "m", Attrs: []Attr{{"a", long}, {"b", "lost"}}},
		{Message: "m", Attrs: []Attr{{long, "v"}}},
		{Message: "m", Attrs: slicesOf(Attr{"key", "value"}, lineBytes)},
	}
	for i, test := range tests {
		l := test.truncated()
		n := len(l.Message)
		cut := strings.HasSuffix(l.Message, "…")
		for _, a := range l.Attrs {
			n += len(a.Key) + len(a.Value)
			cut = cut || strings.HasSuffix(a.Value, "…") || a.Key == "…"
			if !utf8.ValidString(a.Key) || !utf8.ValidString(a.Value) {
				t.Errorf("line %d was cut within a letter", i)
			}
		}
		if n > lineBytes+20 || n < lineBytes-20 || !cut || !utf8.ValidString(l.Message) {
			t.Errorf("line %d has %d bytes, cut: %t, want about %d and an ellipsis", i, n, cut, lineBytes)
		}
	}
	short := Line{Message: "m", Attrs: []Attr{{"k", "v"}}}
	if got := short.truncated(); !reflect.DeepEqual(got, short) {
		t.Errorf("short line became %+v", got)
	}
}

func slicesOf(a Attr, n int) []Attr {
	attrs := make([]Attr, n)
	for i := range attrs {
		attrs[i] = a
	}
	return attrs
}
