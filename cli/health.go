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

// checkHealth is convoy health: it asks the node that runs on this machine with the same environment. Container images
// have no other program for that.
func checkHealth(ctx context.Context, c call) error {
	cfg, err := readFlags(nil, c.getenv)
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return hint("give host and port, such as localhost:4000 or :8080",
			"CONVOY_ADDR=%q is not an address to listen on", cfg.Addr)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, healthWait)
	defer cancel()
	scheme := "http://"
	if cfg.TLS.Enabled() {
		scheme = "https://"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	direct := &http.Client{Transport: &http.Transport{ // without a proxy or a check of the certificate: it is this machine
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // loopback, nothing secret
	}}
	answer, err := direct.Do(r)
	if err != nil {
		return hint("set CONVOY_ADDR or PORT as for the node itself", "no node answers: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", r.URL, answer.Status)
	}
	return nil
}
