package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"convoy/cli"
	"convoy/internal/client"
	"convoy/internal/testkit"
)

// trusting is a client that trusts the certificates in a file.
func trusting(t *testing.T, file string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(file)
	testkit.Must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// link waits for the link that a node prints.
func (n *running) link(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse(strings.Fields(n.out.line(testkit.Context(t), t, "open http"))[1])
	testkit.Must(t, err)
	return u
}

// With a certificate of its own a node serves HTTP/2, its cookie goes by TLS alone, the certificate outlives a restart,
// and convoy shell and convoy health find it.
func TestTLS_Self(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	var certs [2]string
	for i := range certs {
		n := launch(t, nil, "-tls-self", "-data", data)
		u := n.link(t)
		file := filepath.Join(data, "tls.pem")
		web := trusting(t, file)
		answer, err := web.Get(u.String())
		testkit.Must(t, err)
		answer.Body.Close()
		cookies := answer.Cookies()
		if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusSeeOther || len(cookies) != 1 || !cookies[0].Secure {
			t.Errorf("%s %s, cookies %v", answer.Proto, answer.Status, cookies)
		}
		if hsts := answer.Header.Get("Strict-Transport-Security"); hsts != "" {
			t.Errorf("a certificate of its own, and %q", hsts) // would bind all of localhost
		}
		certs[i] = string(answer.TLS.PeerCertificates[0].Raw)
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the certificate's file: %v, %v", info, err)
		}
		var out, errs strings.Builder
		env := testEnv(map[string]string{"CONVOY_TOKEN": u.Query().Get("token")})
		if status := cli.Run(
			t.Context(), []string{"shell", "-connect", "https://" + u.Host, "-ca", file, "-c", "node.self()"}, env, nil, &out,
			&errs,
		); status != 0 || !strings.Contains(out.String(), "convoy@convoy") {
			t.Errorf("convoy shell: %d, %s%s", status, out.String(), errs.String())
		}
		env = testEnv(map[string]string{"CONVOY_ADDR": u.Host, "CONVOY_TLS_SELF": "1"})
		testkit.Eventually(t, "convoy health has an answer in time", func() bool {
			return cli.Run(t.Context(), []string{"health"}, env, nil, &out, &errs) == 0
		})
		n.ended()
	}
	if certs[0] != certs[1] {
		t.Error("another certificate after a restart")
	}
}

// Certificates from files are read again when they change, and browsers shall come by TLS from then on.
func TestTLS_Files(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cert.pem")
	write := func() { // the certificate that a node makes for itself
		data := t.TempDir()
		launch(t, nil, "-tls-self", "-data", data).link(t)
		text, err := os.ReadFile(filepath.Join(data, "tls.pem"))
		testkit.Must(t, err)
		testkit.Must(t, os.WriteFile(file, text, 0o600))
	}
	write()
	n := launch(t, nil, "-tls-cert", file, "-tls-key", file)
	u := n.link(t)
	first := trusting(t, file)
	answer, err := first.Get(u.String())
	testkit.Must(t, err)
	answer.Body.Close()
	if hsts := answer.Header.Get("Strict-Transport-Security"); !strings.HasPrefix(hsts, "max-age=") {
		t.Errorf("Strict-Transport-Security %q", hsts)
	}
	first.CloseIdleConnections()
	write()
	answer, err = trusting(t, file).Get(u.String())
	testkit.Must(t, err)
	answer.Body.Close()
	testkit.Must(t, os.Remove(file))
	c := client.New("https://"+u.Host, u.Query().Get("token"))
	t.Cleanup(c.Close)
	if _, err := c.Nodes(testkit.Context(t)); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("who does not trust it: %v", err)
	}
}
