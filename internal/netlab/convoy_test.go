//go:build linux

package netlab_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"convoy/internal/client"
	"convoy/internal/netlab"
	"convoy/internal/testkit"
)

const token = "netlab-token-0123456789abcdef"

// buildConvoy builds the program once, for all tests that want it.
var buildConvoy = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "netlab-convoy-")
	if err != nil {
		return "", err
	}
	convoyDir = dir
	return testkit.Build(dir)
})

var convoyDir string // set by buildConvoy

func removeConvoy() {
	if convoyDir != "" {
		os.RemoveAll(convoyDir)
	}
}

// program is a node of the real program, with a client of its console.
type program struct {
	*process
	*client.Client
}

// convoy starts the real program on a host as a person would, on the ports that it
// has by itself. Its console is reached inside the host.
func (s *scene) convoy(host *netlab.Host, name string, args ...string) *program {
	s.Helper()
	exe, err := buildConvoy()
	if err != nil {
		s.Fatal(err)
	}
	args = append(
		[]string{
			"-provider", "none",
			"-query", query,
			"-host", name,
			"-bind", host.Addr().String(),
			"-addr", "[::1]:4000",
			"-log", "json",
			"-system-shell", "first",
			"-shell", "/bin/sh",
		},
		args...)
	cmd := host.Command(s.Context(), exe, args...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + s.TempDir(),
		"CONVOY_COOKIE=" + cookieA,
		"CONVOY_TOKEN=" + token,
	}
	p := &program{s.launch("convoy@"+name, host, cmd), client.New("http://[::1]:4000", token)}
	p.HTTP.Transport = &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return host.Dial(ctx, network, addr)
	}}
	s.Cleanup(p.Client.Close)
	return p
}

// started waits until the program serves.
func (p *program) started() {
	p.scene.Helper()
	p.scene.until(deadline, p.name+" has started", func() bool { return p.lines("INFO", "node started") > 0 })
}

// nodes waits until the console shows what is wanted.
func (p *program) nodes(limit time.Duration, what string, met func([]client.Node) bool) time.Duration {
	p.scene.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(p.scene.Context(), limit)
	defer cancel()
	stream, err := p.Stream(ctx, url.Values{"want": {"nodes"}})
	if err != nil {
		p.scene.Fatalf("%s: %v\n%s", p.name, err, p.scene.report())
	}
	defer stream.Close()
	var list []client.Node
	for {
		e, err := stream.Next()
		if err != nil {
			p.scene.Fatalf("%s: not within %v: %s; its console shows %+v\n%s", p.name, limit, what, list, p.scene.report())
		}
		if e.Name != "fleet" {
			continue
		}
		if err := json.Unmarshal(e.Data, &list); err != nil {
			p.scene.Fatal(err)
		}
		if met(list) {
			return time.Since(began)
		}
	}
}

// alive reports whether a list has these names alive, each once, and nothing else.
func alive(list []client.Node, names ...string) bool {
	found := map[string]int{}
	for _, n := range list {
		if n.Status == "alive" {
			found[n.Name]++
		}
	}
	for _, name := range names {
		if found[name] != 1 {
			return false
		}
	}
	return len(found) == len(names) && len(list) == len(names)
}
