package testkit

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// nginxConf is around a server, which replaces %s.
const nginxConf = `daemon off; master_process off; pid nginx.pid; error_log stderr warn; worker_processes 1;
events {}
http {
  access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
%s
}
`

// Nginx runs nginx in front of a console as a page of the documentation sets it up: with one of its blocks, a server or
// a location. It listens on a port of the loopback, without TLS. The test is skipped if there is no nginx.
func Nginx(t testing.TB, block, upstream string) (url string) {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("there is no nginx here")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	Must(t, err)
	addr := free.Addr().String()
	Must(t, free.Close())
	if !strings.HasPrefix(block, "server ") {
		block = "server {\nlisten 443 ssl http2;\n" + block + "}"
	}
	block = strings.Replace(block, "listen 443 ssl http2;", "listen "+addr+";", 1)
	block = regexp.MustCompile(`(?m)^ *ssl_.*$`).ReplaceAllString(block, "")
	block = strings.ReplaceAll(block, "http://localhost:4000", upstream)
	dir := t.TempDir()
	Must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, nginxConf, block), 0o600))
	cmd := exec.Command(nginx, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
	cmd.Stderr = os.Stderr
	Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // as it was told
	})
	Eventually(t, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "http://" + addr
}

// Block returns the code block of a page of documentation that contains a text.
func Block(t testing.TB, page, text string) string {
	t.Helper()
	doc, err := os.ReadFile(page)
	Must(t, err)
	for i, part := range strings.Split(string(doc), "```") {
		if _, code, ok := strings.Cut(part, "\n"); ok && i%2 == 1 && strings.Contains(code, text) {
			return code
		}
	}
	t.Fatalf("%s has no block with %q", page, text)
	return ""
}
