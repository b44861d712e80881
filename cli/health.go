package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// healthWait bounds convoy health.
const healthWait = 3 * time.Second

// health asks the node that runs on this machine with the same environment whether it serves. Images of containers have
// no program for that, so Convoy is its own.
func health(ctx context.Context, getenv func(string) string) error {
	f, err := readFlags(nil, getenv)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(f.console(getenv))
	if err != nil {
		return hint("give host and port, such as localhost:4000 or :8080",
			"CONVOY_ADDR=%q is no address to listen on", f.addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	scheme := "http://"
	if f.tlsSelf || f.tlsCert != "" {
		scheme = "https://"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	direct := &http.Client{Transport: &http.Transport{ // no proxy: it is this machine, whatever its certificate says
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // nothing secret goes there, it is loopback
	}}
	answer, err := direct.Do(r)
	if err != nil {
		return hint("CONVOY_ADDR or PORT must say what they say to the node itself", "no node answers: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", r.URL, answer.Status)
	}
	return nil
}
