package handlers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"convoy/access"
	"convoy/internal/testkit"
)

// nginxConf is around the snippet of docs/security.md, which replaces %s.
const nginxConf = `daemon off; master_process off; pid nginx.pid; error_log stderr warn; worker_processes 1;
events {}
http {
  access_log off; client_body_temp_path a; proxy_temp_path b; fastcgi_temp_path c; uwsgi_temp_path d; scgi_temp_path e;
%s
}
`

// startNginx runs nginx in front of a node, as the documentation sets it up, on a port of the loopback and without TLS:
// the scheme is the snippet's word.
func startNginx(t *testing.T, n *testNode) (url string) {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("there is no nginx here")
	}
	docs, err := os.ReadFile("../docs/security.md")
	testkit.Must(t, err)
	_, text, _ := strings.Cut(string(docs), "```nginx\n")
	snippet, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("docs/security.md has no block of nginx")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	addr := free.Addr().String()
	testkit.Must(t, free.Close())
	snippet = strings.Replace(snippet, "listen 443 ssl http2;", "listen "+addr+";", 1)
	snippet = regexp.MustCompile(`(?m)^ *ssl_.*$`).ReplaceAllString(snippet, "")
	snippet = strings.ReplaceAll(snippet, "$scheme", "https")
	snippet = strings.Replace(snippet, "http://localhost:4000", n.url, 1)
	dir := t.TempDir()
	testkit.Must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), fmt.Appendf(nil, nginxConf, snippet), 0o600))
	cmd := exec.Command(nginx, "-p", dir, "-c", "nginx.conf", "-e", "stderr")
	cmd.Stderr = os.Stderr
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // as it was told
	})
	for ctx := testkit.Context(t); ctx.Err() == nil; {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
			return "http://" + addr
		}
	}
	t.Fatal("nginx does not listen")
	return ""
}

// Behind a real nginx with the documented settings, clients are told apart whatever they claim, the cookie is secure,
// HSTS is set, other sites are refused, streams are not delayed, and files pass.
func TestNginx(t *testing.T) {
	t.Parallel()
	n := start(t)
	n.site.Proxies, n.site.Hosts = behind(t, "loopback"), []string{"console.example.com"}
	s, dir := n.inDir(t)
	front := *n
	front.url = startNginx(t, n)
	const host = "Host: console.example.com"
	answer := front.request(
		t, "GET", "/?token="+token, "", host, "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: http",
		"X-Forwarded-Host: evil.example", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6",
	)
	if answer.StatusCode != http.StatusSeeOther || !answer.Cookies()[0].Secure ||
		answer.Header.Get("Strict-Transport-Security") == "" {
		t.Fatalf("%s, cookies %v, HSTS %q", answer.Status, answer.Cookies(), answer.Header.Get("Strict-Transport-Security"))
	}
	if addr := n.Authority.Grants.List(access.Login, now())[0].Addr; addr != "127.0.0.1" { // whom nginx has heard
		t.Errorf("the login came from %s", addr)
	}
	for _, test := range []struct {
		headers []string
		want    int
	}{
		{[]string{host, "Origin: https://console.example.com"}, 503}, // nothing makes nodes here
		{[]string{host, "Origin: https://evil.example"}, 403},
		{[]string{host, "Origin: https://evil.example", "X-Forwarded-Host: evil.example"}, 403},
		{[]string{"Host: evil.example"}, 421},
	} {
		if answer := front.request(t, "POST", "/nodes", "", append(test.headers, bearer)...); answer.StatusCode != test.want {
			t.Errorf("%v: %s, want %d", test.headers, answer.Status, test.want)
		}
	}
	stream := front.request(t, "GET", "/stream?viewer=viewer-behind-nginx&want=none", "", host, bearer)
	if line, err := bufio.NewReader(stream.Body).ReadString('\n'); err != nil || line == "" {
		t.Errorf("a stream begins with %q, %v", line, err)
	}
	put := front.request(t, "POST", filesPath(s, "name", "x"), strings.Repeat("x", testUpload), host, bearer)
	if put.StatusCode != http.StatusCreated || len(names(t, dir)) != 1 {
		text, _ := io.ReadAll(put.Body)
		t.Errorf("a file: %s %s", put.Status, text)
	}
}
