package peer

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"convoy/fleet"
)

func TestParseName(t *testing.T) {
	t.Parallel()
	good := map[string][2]string{
		"convoy@convoy-eual.railway.internal": {"convoy", "convoy-eual.railway.internal"},
		"a@b":                                 {"a", "b"},
		"x-1@127.0.0.1":                       {"x-1", "127.0.0.1"},
	}
	for name, want := range good {
		if base, host, err := ParseName(name); err != nil || base != want[0] || host != want[1] {
			t.Errorf("ParseName(%q) = %q, %q, %v", name, base, host, err)
		}
	}
	for _, name := range []string{
		"", "@", "a@", "@b", "convoy", "Convoy@b", "convoy@B", "a@b@c", "a@b..c", "a@.b", "a@b.", "a b@c", "a@b/c", "a@b:1",
		"a@::1", "a@b\n", strings.Repeat("a", 33) + "@b", "a@" + strings.Repeat("b", 64), "a@" + strings.Repeat("b.", 127) +
			"b",
	} {
		if _, _, err := ParseName(name); !errors.Is(err, ErrBadName) {
			t.Errorf("ParseName(%q) = %v, want ErrBadName", name, err)
		}
	}
}

func TestCertificateNames(t *testing.T) {
	t.Parallel()
	caller := Caller{Name: "convoy@a.example", Instance: newInstance()}
	if got, err := parseURI(caller.uri()); err != nil || got != caller {
		t.Errorf("parseURI(%q) = %v, %v", caller.uri(), got, err)
	}
}

var longest = meta{
	Name:     strings.Repeat("n", maxBaseBytes) + "@" + strings.Repeat("h.", 126) + "h",
	Version:  strings.Repeat("v", maxVersionBytes),
	Region:   strings.Repeat("r", maxRegionBytes),
	Labels:   fleet.Labels("k=" + strings.Repeat("v", fleet.MaxLabelBytes-2)),
	CallPort: 65535, Started: time.UnixMilli(1763841234567).UTC(), Control: true,
}

func TestMetaRoundTrip(t *testing.T) {
	t.Parallel()
	for _, m := range []meta{longest, {Name: "a@b", CallPort: 1, Started: time.UnixMilli(0).UTC()}} {
		b := m.encode()
		if len(b) > memberlist.MetaMaxSize {
			t.Errorf("%d bytes of metadata, memberlist takes %d", len(b), memberlist.MetaMaxSize)
		}
		if got, err := decodeMeta(b); err != nil || got != m {
			t.Errorf("decodeMeta(encode(%+v)) = %+v, %v", m, got, err)
		}
		unlabelled := len(b) - 1 - len(m.Labels)
		older := unlabelled - 1 - len(m.Region) // without a region
		for i := range b {
			got, err := decodeMeta(b[:i])
			if i == older && err == nil && got.Version == m.Version && got.Region == "" {
				continue
			}
			if i == unlabelled && err == nil && got.Region == m.Region && got.Labels == "" {
				continue
			}
			if err == nil {
				t.Errorf("decodeMeta of the first %d of %d bytes = %+v", i, len(b), got)
			}
		}
		if got, err := decodeMeta(append(b, "more of a newer version"...)); err != nil || got != m {
			t.Errorf("decodeMeta with more behind = %+v, %v", got, err)
		}
	}
}

// Labels that no node of ours would announce are malformed.
func TestMetaLabels(t *testing.T) {
	t.Parallel()
	for _, labels := range []fleet.Labels{
		"env", "env=<script>", "b=1,a=1", "a=1,a=2", "env=\x00", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9",
		fleet.Labels("k=" + strings.Repeat("v", fleet.MaxLabelBytes)),
	} {
		m := meta{Name: "a@b", CallPort: 1, Started: time.UnixMilli(0).UTC(), Labels: labels}
		if got, err := decodeMeta(m.encode()); err == nil {
			t.Errorf("decodeMeta with the labels %q = %+v, want an error", labels, got)
		}
	}
}

func FuzzDecodeMeta(f *testing.F) {
	f.Add(longest.encode())
	f.Add([]byte{1, 0, 17, 92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 'a', '@', 'b', 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeMeta(b)
		if err != nil {
			return
		}
		b[1] &= metaControlFlag                            // newer versions may set other flags
		if !bytes.HasPrefix(append(b, 0, 0), m.encode()) { // older versions have no region and no labels
			t.Errorf("decodeMeta(%q) = %+v, which encodes differently", b, m)
		}
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("convoy@convoy-eual.railway.internal")
	f.Fuzz(func(t *testing.T, name string) {
		base, host, err := ParseName(name)
		if err != nil {
			return
		}
		if base+"@"+host != name || len(name) > maxBaseBytes+1+maxHostBytes || strings.ContainsAny(name, "/:?# \n\x00") {
			t.Errorf("ParseName(%q) = %q, %q", name, base, host)
		}
		caller := Caller{Name: name, Instance: "0123456789abcdef"}
		if got, err := parseURI(caller.uri()); err != nil || got != caller {
			t.Errorf("parseURI(%q) = %v, %v", caller.uri(), got, err)
		}
	})
}

func FuzzParseNodeAddr(f *testing.F) {
	for _, s := range []string{"convoy@host.example:4444", "host", "[::1]:7", "convoy@[::1]:7", "::1", "1.2.3.4:5",
		"a@b:0", "[x]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseNodeAddr(text)
		if err != nil {
			return
		}
		if p.addr.IsValid() == (p.host != "") {
			t.Errorf("parsePlace(%q) = %+v: neither or both of host and address", text, p)
		}
		if p.host != "" && !isHost(p.host) {
			t.Errorf("parsePlace(%q) = %+v: malformed host", text, p)
		}
	})
}

func FuzzSRVTargets(f *testing.F) {
	f.Add("a.example.", uint16(4444), "A.example", uint16(4444))
	f.Add(".", uint16(1), "", uint16(0))
	f.Fuzz(func(t *testing.T, host1 string, port1 uint16, host2 string, port2 uint16) {
		targets := srvTargets([]*net.SRV{{Target: host1, Port: port1}, {Target: host2, Port: port2}})
		for i, target := range targets {
			if !isHost(target.host) || target.port == 0 || i > 0 && target == targets[i-1] {
				t.Errorf("targets %+v", targets)
			}
		}
	})
}

func TestParseNodeAddr(t *testing.T) {
	t.Parallel()
	v6 := netip.MustParseAddr("::1")
	tests := map[string]nodeAddr{
		"convoy@web.example:7": {name: "convoy@web.example", host: "web.example", port: 7},
		"Web.example.":         {host: "web.example"},
		"[::1]:7":              {addr: v6, port: 7},
		"::1":                  {addr: v6},
		"convoy@[::1]:7":       {addr: v6, port: 7},
		"127.0.0.1":            {addr: netip.MustParseAddr("127.0.0.1")},
	}
	for text, want := range tests {
		if got, err := parseNodeAddr(text); err != nil || got != want {
			t.Errorf("parsePlace(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
}
