package e2e

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/peer"
)

const nobody = 65534

// TestStaticBinaryAsNobody builds the program as the Dockerfile does, from the files that it may see, and runs it
// as the image would.
func TestStaticBinaryAsNobody(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program from nothing")
	}
	binary := buildStatic(t)
	if os.Getuid() != 0 {
		t.Skip("only root can run it as nobody: it was built, and is static")
	}
	port, token, cookie := freePort(t), peer.NewCookie(), peer.NewCookie()
	env := imageEnv(t, port, token, cookie)
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(testkit.Context(t), binary, args...)
		cmd.Env, cmd.Dir = env, "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		return cmd
	}
	if text, err := command("health").CombinedOutput(); err == nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("convoy health before there is a node: %v, %q, want status 1, an error and a hint", err, text)
	}
	out := &output{changed: make(chan struct{})}
	node := command()
	node.Stdout, node.Stderr = out, out
	testkit.Must(t, node.Start())
	out.line(testkit.Context(t), t, "log in at http")
	checkHealthy(t, "http://localhost:"+port)
	testkit.Eventually(t, "convoy health has an answer in time", func() bool {
		text, err := command("health").CombinedOutput()
		return err == nil && len(text) == 0
	})
	screen := lookAround(t, port, token)
	testkit.Must(t, node.Process.Signal(syscall.SIGTERM))
	if err := node.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want status 0\n%s", err, out.all())
	}
	for _, secret := range []string{token, cookie} {
		if strings.Contains(out.all(), secret) || bytes.Contains(screen, []byte(secret)) {
			t.Error("log or shell has a secret")
		}
	}
}

// imageEnv is the environment of a container, with a data directory of nobody's.
func imageEnv(t *testing.T, port, token, cookie string) []string {
	t.Helper()
	data, err := os.MkdirTemp("", "convoy") // t.TempDir cannot be entered by another user
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(data) })
	testkit.Must(t, os.Chown(data, nobody, nobody))
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=/tmp",
		"CONVOY_DATA=" + data,
		"CONVOY_SYSTEM_SHELL=first",
		"SHELL=/bin/bash",
		"CONVOY_LOG=json",
		"PORT=" + port,
		"CONVOY_TOKEN=" + token,
		"CONVOY_COOKIE=" + cookie,
		"CONVOY_PROVIDER=none",
		"CONVOY_HOST=convoy.railway.internal",
		"CONVOY_BIND=" + loopback,
		"CONVOY_PORT=0",
		"CONVOY_CALL_PORT=0",
	}
}

func checkHealthy(t *testing.T, base string) {
	t.Helper()
	answer, err := http.Get(base + "/healthz")
	testkit.Must(t, err)
	text, err := io.ReadAll(answer.Body)
	testkit.Must(t, err)
	answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if answer.StatusCode != http.StatusOK || string(text) != "ok\n" {
		t.Errorf("GET /healthz: %s, %q", answer.Status, text)
	}
}

// lookAround has a shell print its user and environment, and read the node's process, which must be refused although
// the node has the same user. It returns all that the shell printed.
func lookAround(t *testing.T, port, token string) []byte {
	t.Helper()
	ctx := testkit.Context(t)
	c := client.New("http://localhost:"+port, token)
	t.Cleanup(c.Close)
	s, err := c.Open(ctx, "convoy")
	testkit.Must(t, err)
	term, err := c.Attach(ctx, s, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(t, term.Type(ctx, "echo user-$(id -u); env; echo done-$((1+1))\r"))
	testkit.Must(t, term.WaitFor(ctx, "done-2"))
	if !bytes.Contains(term.Bytes(), fmt.Appendf(nil, "user-%d", nobody)) {
		t.Errorf("the shell is not nobody's: %q", term.Bytes())
	}
	testkit.Must(t, term.Type(ctx, "for f in environ maps mem; do head -c 9999 /proc/$PPID/$f | tr '\\0' ' '; done; "+
		"ls /proc/$PPID/fd; echo looked-$((1+1))\r"))
	testkit.Must(t, term.WaitFor(ctx, "looked-2"))
	if denied := bytes.Count(term.Bytes(), []byte("Permission denied")); denied < 4 {
		t.Errorf("of environ, maps, mem and fd of its node a shell could read %d: %q", 4-denied, term.Bytes())
	}
	return term.Bytes()
}

// buildStatic builds the program, checks that what .dockerignore leaves is enough for that, and that the program needs
// no library.
func buildStatic(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	testkit.Must(t, os.Chmod(filepath.Dir(dir), 0o755)) // nobody runs what is in it
	source, path := filepath.Join(dir, "src"), filepath.Join(dir, "convoy")
	copyContext(t, source)
	if whole, left := sources(t, "."), sources(t, source); whole != left {
		t.Errorf("the image is built from\n%s\nand not from\n%s", left, whole)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	file, err := elf.Open(path)
	testkit.Must(t, err)
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the binary wants a dynamic linker")
		}
	}
	if libraries, err := file.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the binary wants %q, %v", libraries, err)
	}
	return path
}

// sources lists the packages of Convoy in the program at dir, with their files.
func sources(t *testing.T, dir string) string {
	t.Helper()
	const files = "{{with .Module}}{{if .Main}}{{$.ImportPath}} {{$.GoFiles}} {{$.EmbedFiles}}\n{{end}}{{end}}"
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", files, ".")
	list.Dir, list.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	text, err := list.CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, text)
	}
	return string(text)
}

// copyContext copies this directory without what .dockerignore names.
func copyContext(t *testing.T, to string) {
	t.Helper()
	ignored := dockerIgnore(t)
	testkit.Must(t, os.Mkdir(to, 0o755))
	testkit.Must(t, filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if d.IsDir() {
			if ignored(path) {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o755)
		}
		if ignored(path) || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o644)
	}))
}

// dockerIgnore reads .dockerignore: patterns of paths from the top, ** before a name for any directory.
func dockerIgnore(t *testing.T) func(path string) bool {
	t.Helper()
	text, err := os.ReadFile(".dockerignore")
	testkit.Must(t, err)
	return func(path string) (yes bool) {
		for pattern := range strings.FieldsSeq(string(text)) {
			name := path
			if rest, anywhere := strings.CutPrefix(pattern, "**/"); anywhere {
				pattern, name = rest, filepath.Base(path)
			}
			match, err := filepath.Match(pattern, name)
			testkit.Must(t, err)
			yes = yes || match
		}
		return yes
	}
}

// freePort is a port below those that the kernel hands out by itself: until it is used, no other test gets it.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(10000))
		if l, err := net.Listen("tcp", ":"+port); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// dockerStages returns the lines of the Dockerfile's stages.
func dockerStages(t *testing.T) (stages [][]string) {
	t.Helper()
	text, err := os.ReadFile("Dockerfile")
	testkit.Must(t, err)
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "FROM "):
			stages = append(stages, nil)
		}
		if len(stages) == 0 {
			t.Fatalf("%q comes before any FROM", line)
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], line)
	}
	return stages
}

// imageNeeds are lines that the last stages of the Dockerfile have once.
var imageNeeds = map[string]string{
	"a user without rights, by number":    `^USER 65534:65534$`,
	"an entry point without a shell":      `^ENTRYPOINT \[("[^"]+", )*"/usr/local/bin/convoy"\]$`,
	"a health check by the binary itself": `^HEALTHCHECK .* CMD \["/usr/local/bin/convoy", "health"\]$`,
	"certificates":                        `ca-certificates`,
}

// TestDockerfile checks what can be checked without an engine for containers.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	stages := dockerStages(t)
	if len(stages) != 3 || !strings.HasSuffix(stages[0][0], " AS build") || stages[1][0] != "FROM scratch AS bare" ||
		strings.Contains(stages[2][0], "scratch") {
		t.Fatalf("stages are %q, want build, bare without a system, and one with", stages)
	}
	if !strings.Contains(strings.Join(stages[0], "\n"), "CGO_ENABLED=0 go build") {
		t.Error("the binary is not built without C")
	}
	for _, stage := range stages {
		if image := strings.Fields(stage[0])[1]; image != "scratch" &&
			!regexp.MustCompile(`^[a-z.]+/.+:.*\d.*@sha256:[0-9a-f]{64}$`).MatchString(image) {
			t.Errorf("%s: which registry, version and digest?", image)
		}
		if secret := regexp.MustCompile(`(?i)token|cookie|secret|password`).
			FindString(strings.Join(stage, "\n")); secret != "" {
			t.Errorf("%s: a %s has no place in an image", stage[0], secret)
		}
		if slices.ContainsFunc(
			stage, func(line string) bool { return strings.HasPrefix(line, "ADD ") || strings.HasPrefix(line, "ARG ") },
		) {
			t.Errorf("%s: COPY does, and build arguments are seen by all", stage[0])
		}
	}
	for _, stage := range stages[1:] {
		for what, pattern := range imageNeeds {
			matches := 0
			for _, line := range stage {
				if regexp.MustCompile(pattern).MatchString(line) {
					matches++
				}
			}
			if matches != 1 {
				t.Errorf("%s: %d lines that give %s, want one", stage[0], matches, what)
			}
		}
		if user, entry := index(stage, "USER"), index(stage, "RUN"); entry > user {
			t.Errorf("%s: RUN after USER", stage[0])
		}
	}
	if !strings.Contains(strings.Join(stages[2], "\n"), " bash ") {
		t.Error("the image with a system has no bash for its shells")
	}
}

func index(lines []string, instruction string) int {
	return slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, instruction+" ") })
}
