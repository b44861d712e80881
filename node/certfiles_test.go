package node

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
)

// writeCert writes a new certificate and its key that are valid for that long, with the times of the previous one.
func writeCert(t *testing.T, file string, left time.Duration) {
	t.Helper()
	text, err := newSelfSigned([]string{"localhost"}, time.Now().Add(left-selfSignedLife+time.Hour))
	testkit.Must(t, err)
	replace(t, file, text)
}

// replace writes a file in place, as if it had been written long ago.
func replace(t *testing.T, file string, text []byte) {
	t.Helper()
	old := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	testkit.Must(t, os.WriteFile(file, text, 0o600))
	testkit.Must(t, os.Chtimes(file, old, old))
}

// A certificate is read again even if its files have old times, one that cannot be read is logged once, and one that
// ends soon is in the log and on the page.
func TestCertFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cert.pem")
	var log bytes.Buffer
	c := &certFiles{cert: file, key: file, log: slog.New(slog.NewTextHandler(&log, nil))}
	writeCert(t, file, 300*24*time.Hour)
	first, err := c.load()
	testkit.Must(t, err)
	if text, _ := c.warning(); text != "" || log.Len() > 0 {
		t.Errorf("a certificate with 300 days left: %q, %s", text, &log)
	}
	writeCert(t, file, 5*24*time.Hour)
	second, err := c.load()
	testkit.Must(t, err)
	if bytes.Equal(first.Certificate[0], second.Certificate[0]) {
		t.Error("the new certificate is not served")
	}
	if text, hint := c.warning(); text != "The certificate of this console expires in 5 days." ||
		!strings.Contains(hint, "-tls-cert") || strings.Count(log.String(), "expires soon") != 1 {
		t.Errorf("a certificate with 5 days left: %q, %q, %s", text, hint, &log)
	}
	replace(t, file, []byte("broken"))
	for range 3 {
		if third, err := c.load(); err != nil || !bytes.Equal(third.Certificate[0], second.Certificate[0]) {
			t.Errorf("while the files are broken: %v", err)
		}
	}
	if _, hint := c.warning(); !strings.Contains(hint, "log") || strings.Count(log.String(), "cannot be read again") != 1 {
		t.Errorf("while the files are broken: %q, %s", hint, &log)
	}
	writeCert(t, file, -time.Hour)
	if text, hint := c.warning(); !strings.Contains(text, "has expired") || !strings.Contains(hint, "-tls-cert") {
		t.Errorf("an expired certificate: %q, %q", text, hint)
	}
}
