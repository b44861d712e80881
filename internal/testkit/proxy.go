package testkit

import (
	"fmt"
	"math/rand/v2"
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

// caddyConf is around a site, which replaces %s.
const caddyConf = "{\n\tadmin off\n\tauto_https off\n}\n%s\n"

// Proxy runs a reverse proxy, nginx or caddy, in front of a console as a page of the documentation sets it up: with one
// of its blocks, a whole server or a part of one. It listens on a port of the loopback, without TLS. The test is
// skipped if there is no such program.
func Proxy(t testing.TB, program, block, upstream string) (url string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("there is no %s here", program)
	}
	addr := FreeAddr(t)
	dir, conf, args := t.TempDir(), "", []string{"-p", ".", "-c", "conf", "-e", "stderr"}
	if program == "caddy" {
		conf = fmt.Sprintf(caddyConf, caddySite(block, addr))
		args = []string{"run", "--config", "conf", "--adapter", "caddyfile"}
	} else {
		conf = fmt.Sprintf(nginxConf, nginxServer(block, addr))
	}
	conf = strings.NewReplacer("http://localhost:4000", upstream, "localhost:4000", upstream).Replace(conf)
	Must(t, os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o600))
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	log, err := os.Create(filepath.Join(dir, "log"))
	Must(t, err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // as it was told
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s logged:\n%s", program, text)
		}
	})
	Eventually(t, program+" listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "http://" + addr
}

// FreeAddr returns an address of the loopback interface where nothing listens, for a server that cannot choose its own.
// The port is below those that systems give to connections and to listeners on port 0.
func FreeAddr(t testing.TB) string {
	for {
		addr := fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			Must(t, l.Close())
			return addr
		}
	}
}

func nginxServer(block, addr string) string {
	if !strings.HasPrefix(block, "server ") {
		block = "server {\nlisten 443 ssl http2;\n" + block + "}"
	}
	block = strings.Replace(block, "listen 443 ssl http2;", "listen "+addr+";", 1)
	return regexp.MustCompile(`(?m)^ *ssl_.*$`).ReplaceAllString(block, "")
}

func caddySite(block, addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	site := "http://:" + port + " {\n\tbind 127.0.0.1\n"
	if _, inside, whole := strings.Cut(block, "console.example.com {\n"); whole {
		return site + inside
	}
	return site + block + "}"
}

// Block returns the code block of a page of documentation that contains a text.
func Block(t testing.TB, page, text string) string {
	t.Helper()
	doc, err := os.ReadFile(page)
	Must(t, err)
	for i, part := range strings.Split(string(doc), "\n```") {
		if _, code, ok := strings.Cut(part, "\n"); ok && i%2 == 1 && strings.Contains(code, text) {
			return code + "\n"
		}
	}
	t.Fatalf("%s has no block with %q", page, text)
	return ""
}
