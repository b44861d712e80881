package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/peer"
)

// podmanConf lets podman run where the limits of the caller cannot be raised.
const podmanConf = "[containers]\ndefault_ulimits = [\"nofile=4096:4096\", \"nproc=4096:4096\"]\n"

// engine runs containers: docker or podman.
type engine struct {
	program string
	env     []string
}

// findEngine skips the test if no engine runs here.
func findEngine(t *testing.T) engine {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs images")
	}
	conf := podmanConf
	if path, err := exec.LookPath("runc"); err == nil { // crun refuses a mixture of both kinds of cgroups
		conf += "[engine]\nruntime = \"" + filepath.Base(path) + "\"\n"
	}
	file := filepath.Join(t.TempDir(), "containers.conf")
	testkit.Must(t, os.WriteFile(file, []byte(conf), 0o600))
	for _, program := range []string{"docker", "podman"} {
		e := engine{program, append(os.Environ(), "CONTAINERS_CONF="+file)}
		if _, err := e.try(t, "info"); err == nil {
			return e
		}
	}
	t.Skip("neither docker nor podman runs here, so no image was built")
	return engine{}
}

func (e engine) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(testkit.Context(t), e.program, args...)
	cmd.Env = e.env
	text, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s %s: %w\n%s", e.program, args[0], err, failed.Stderr)
	}
	return strings.TrimSpace(string(text)), err
}

func (e engine) run(t *testing.T, args ...string) string {
	t.Helper()
	text, err := e.try(t, args...)
	testkit.Must(t, err)
	return text
}

// build builds an image as make image does, and removes it at the end.
func (e engine) build(t *testing.T, args ...string) (tag string) {
	t.Helper()
	tag = "convoy-test-" + strings.ToLower(rand.Text())
	cmd := exec.Command("make", "image")
	if len(args) > 0 {
		cmd = exec.Command("internal/tools/image.sh", args...)
	}
	cmd.Env = append(slices.Clone(e.env), "TAG="+tag)
	t.Cleanup(func() { e.try(t, "rmi", "-f", tag) }) //nolint:errcheck // it may not exist
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return tag
}

// containers are how the image is run.
var containers = map[string][]string{
	"as it is":       nil,
	"read-only root": {"--read-only", "--tmpfs", "/tmp"},
	"init":           {"--init"},
	"no settings":    {"--read-only", "--tmpfs", "/tmp", "--init", "-e", "HOME=", "-e", "LANG=C", "-e", "LC_ALL=C"},
}

// TestImage builds the image as it is released, and TestImage_Bare the one without a system, from a binary that was
// built outside, so that it needs nothing from a registry. They run them in each of these ways.
func TestImage(t *testing.T) {
	t.Parallel()
	e := findEngine(t)
	for _, stage := range dockerStages(t) {
		base := strings.Fields(stage[0])[1]
		if base == "scratch" {
			continue
		}
		if _, err := e.try(t, "pull", "-q", base); err != nil {
			t.Skipf("only the bare image was built, because %s cannot be pulled here", base)
		}
	}
	image := e.build(t)
	e.drive(t, image)
	for command, want := range map[string]string{"id -u": "65534", "locale charmap 2>&1 || echo $LANG": "C.UTF-8"} {
		if got := e.run(t, "run", "--rm", "--entrypoint", "/bin/bash", image, "-c", command); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}

func TestImage_Bare(t *testing.T) {
	t.Parallel()
	e := findEngine(t)
	stage := t.TempDir() // what the first stage makes
	testkit.Must(t, os.Mkdir(filepath.Join(stage, "data"), 0o700))
	testkit.Must(t, os.MkdirAll(filepath.Join(stage, "etc/ssl/certs"), 0o755))
	testkit.Must(t, os.WriteFile(filepath.Join(stage, "etc/ssl/certs/ca-certificates.crt"), nil, 0o644))
	testkit.Must(t, os.Rename(buildStatic(t), filepath.Join(stage, "convoy")))
	e.drive(t, e.build(t, "--target", "bare", "--build-context", "build="+stage))
}

// drive runs an image in each way, if this machine lets the engine run anything.
func (e engine) drive(t *testing.T, image string) {
	_, err := e.try(t, "run", "--rm", "--network", "host", image, "version")
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && failed.ExitCode() <= 126 && failed.ExitCode() >= 125 {
		t.Skipf("the image was built, but no container can run here: %v", err)
	}
	testkit.Must(t, err)
	for what, args := range containers {
		t.Run(what, func(t *testing.T) { e.driveOne(t, image, args) })
	}
}

// driveOne checks that a container serves, as nobody, keeps its data, and ends in time when it is told to.
func (e engine) driveOne(t *testing.T, image string, args []string) {
	port, token, cookie := freePort(t), peer.NewCookie(), peer.NewCookie()
	name := image + "-" + port
	run := append([]string{
		"run", "-d", "--name", name, "--network", "host", "--no-healthcheck", "-v", name + ":/var/lib/convoy",
	}, args...)
	for _, variable := range imageEnv(t, port, token, cookie) {
		if key, _, _ := strings.Cut(variable, "="); strings.HasPrefix(key, "CONVOY_") && key != "CONVOY_DATA" &&
			key != "CONVOY_SYSTEM_SHELL" {
			run = append(run, "-e", variable)
		}
	}
	t.Cleanup(func() {
		e.try(t, "rm", "-f", name)           //nolint:errcheck // it may not exist
		e.try(t, "volume", "rm", "-f", name) //nolint:errcheck // as above
	})
	e.run(t, append(run, "-e", "CONVOY_ADDR=localhost:"+port, image)...)
	testkit.Eventually(t, "the container is healthy", func() bool {
		_, err := e.try(t, "exec", name, "/usr/local/bin/convoy", "health")
		return err == nil
	})
	status, err := os.ReadFile("/proc/" + e.run(t, "inspect", "--format", "{{.State.Pid}}", name) + "/status")
	testkit.Must(t, err)
	if want := fmt.Sprintf("Uid:\t%d\t%[1]d\t%[1]d\t%[1]d\n", nobody); !strings.Contains(string(status), want) {
		t.Errorf("process 1 is not nobody's:\n%s", status)
	}
	askContainer(testkit.Context(t), t, client.New("http://localhost:"+port, token))
	e.run(t, "stop", "-t", "10", name)
	if code := e.run(t, "inspect", "--format", "{{.State.ExitCode}}", name); code != "0" {
		t.Errorf("10 s after SIGTERM: exit status %s, want 0", code)
	}
	log, err := exec.Command(e.program, "logs", name).CombinedOutput()
	testkit.Must(t, err)
	if text := string(log); strings.Contains(text, token) || strings.Contains(text, cookie) ||
		strings.Contains(text, "denied") {
		t.Errorf("the log has a secret, or nothing could be written:\n%s", text)
	}
}

// askContainer evaluates in a Convoy shell of the container, and reads its audit log.
func askContainer(ctx context.Context, t *testing.T, c *client.Client) {
	t.Helper()
	defer c.Close()
	var shell client.Shell
	testkit.Must(t, c.Do(ctx, http.MethodPost, "/nodes/convoy/shells", []byte(`{"kind":"convoy"}`), &shell))
	term, err := c.Attach(ctx, shell, -1)
	testkit.Must(t, err)
	defer term.Close()
	testkit.Must(t, term.Type(ctx, "6 * 7\r"))
	testkit.Must(t, term.WaitFor(ctx, "42"))
	if text := get(t, c, "/nodes/convoy/audit", "application/json"); !strings.Contains(text, "shell.open") {
		t.Errorf("the audit log is %s", text)
	}
}
