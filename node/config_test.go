package node

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"convoy/internal/testkit"
)

// fill sets each field of a struct to a non-zero value that JSON can represent.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(4)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), text)
	case reflect.Struct:
		switch v.Interface().(type) {
		case netip.Addr:
			v.Set(reflect.ValueOf(netip.IPv6Loopback()))
			return
		case netip.AddrPort:
			v.Set(reflect.ValueOf(netip.MustParseAddrPort("[::1]:53")))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), text)
			}
		}
	}
}

// notInherited are the settings that a child does not get: the console's addresses, and secrets that it does not need.
var notInherited = []string{
	"Env", "MaxNodes", "GeneratedToken", "GeneratedCookie", "BasePath", "Hosts", "Proxies", "TLS", "OpenID", "Railway",
}

// Every setting reaches spawned nodes, including new ones, unless it is in that list; those in the list do not.
func TestConfig_Child(t *testing.T) {
	t.Parallel()
	var parent Config
	v := reflect.ValueOf(&parent).Elem()
	for i := range v.NumField() {
		text := "inherited"
		if slices.Contains(notInherited, v.Type().Field(i).Name) {
			text = "a secret of the parent"
		}
		fill(v.Field(i), text)
	}
	dns := netip.MustParseAddrPort("[::1]:5353")
	want := parent.child("convoy@b.test", "nodes.test", dns)
	line, err := json.Marshal(want)
	testkit.Must(t, err)
	if bytes.Contains(line, []byte("a secret of the parent")) {
		t.Errorf("a child gets %s", line)
	}
	got, err := ReadConfig(iotest.OneByteReader(bytes.NewReader(append(line, '\n'))))
	testkit.Must(t, err)
	for i := range v.NumField() {
		field, is := v.Type().Field(i), reflect.ValueOf(got).Field(i)
		if slices.Contains(notInherited, field.Name) {
			if !is.IsZero() {
				t.Errorf("a child has inherited %s: %v", field.Name, is)
			}
			continue
		}
		if !reflect.DeepEqual(is.Interface(), reflect.ValueOf(want).Field(i).Interface()) {
			t.Errorf("%s: %v, want %v", field.Name, is, reflect.ValueOf(want).Field(i))
		}
	}
	own := Config{
		Name: "convoy@b.test", Query: "nodes.test", DNS: dns, Addr: "[::1]:0", Provider: "none", Spawned: true,
		LogFormat: "json",
	}
	if got.Name != own.Name || got.Query != own.Query || got.DNS != own.DNS || got.Port != 0 || got.CallPort != 0 ||
		got.Addr != own.Addr || got.Provider != own.Provider || !got.Spawned || got.LogFormat != own.LogFormat {
		t.Errorf("a child is %+v, want %+v", got, own)
	}
}

func TestReadConfig_Refuses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":          "",
		"no object":        "null",
		"half an object":   `{"Name":"a"`,
		"no name":          "{}",
		"an unknown field": `{"Name":"a","Admin":true}`,
		"not inherited":    `{"Name":"a","Hosts":["b"]}`,
		"a wrong type":     `{"Name":7}`,
		"a bad address":    `{"Name":"a","Bind":"nowhere"}`,
		"two objects":      `{"Name":"a"} {"Name":"b"}`,
		"no JSON behind":   `{"Name":"a"} x`,
	} {
		if cfg, err := ReadConfig(strings.NewReader(text + "\n")); err == nil {
			t.Errorf("%s: %+v, want an error", name, cfg)
		}
	}
	if cfg, err := ReadConfig(strings.NewReader(`{"Name":"a"}` + "\n")); err != nil || cfg.Name != "a" {
		t.Errorf("%+v, %v", cfg, err)
	}
}

// FuzzReadConfig: what is accepted is encoded and decoded to the same.
func FuzzReadConfig(f *testing.F) {
	f.Add([]byte(`{"Name":"a","DNS":"","Poll":5,"LogLevel":"INFO"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := ReadConfig(bytes.NewReader(text))
		if err != nil {
			return
		}
		line, err := json.Marshal(cfg)
		testkit.Must(t, err)
		if len(line) > 30_000 {
			return // escaped, it may be longer than the limit
		}
		if again, err := ReadConfig(bytes.NewReader(append(line, '\n'))); err != nil || !reflect.DeepEqual(again, cfg) {
			t.Errorf("%+v came back as %+v, %v", cfg, again, err)
		}
	})
}
