package cli

import (
	"bytes"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

func TestPortInUse(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "localhost:0")
	testkit.Must(t, err)
	defer taken.Close()
	var stderr bytes.Buffer
	status := Run(testkit.Context(t), []string{"-addr", taken.Addr().String()}, testEnv(nil), nil, io.Discard, &stderr)
	if got := stderr.String(); status != 1 || strings.Count(got, "\n") != 2 || !strings.Contains(got, "in use") ||
		!strings.Contains(got, "-addr") {
		t.Errorf("status %d, %q: want 1, an error and a hint", status, got)
	}
}

// badFlags are arguments and environments that convoy refuses, and what the error names.
var badFlags = []struct {
	args []string
	env  map[string]string
	want string
}{
	{[]string{"-nosuch"}, nil, "-nosuch"},
	{[]string{"serve"}, nil, `"serve"`},
	{[]string{"-addr", "4000"}, nil, "-addr"},
	{[]string{"-notify", "ftp://example.org"}, nil, "-notify"},
	{[]string{"-push", "everywhere"}, nil, "-push"},
	{[]string{"-addr", "localhost:99999"}, nil, "99999"},
	{[]string{"-addr", "localhost:nosuch"}, nil, "nosuch"},
	{nil, map[string]string{"PORT": "web site"}, "-addr"},
	{[]string{"-labels", "env"}, nil, "-labels"},
	{nil, map[string]string{"CONVOY_LABELS": "env=prod,env=test"}, "appears twice"},
	{[]string{"-poll"}, nil, "poll"},
	{[]string{"-poll", "1"}, nil, "a number with a unit"},
	{[]string{"-max-nodes", "abc"}, nil, "whole number"},
	{[]string{"-max-nodes", "99999999999999999999"}, nil, "out of range"},
	{[]string{"-tls-self=maybe"}, nil, "true or false"},
	{[]string{"-poll", "1ms"}, nil, "-poll"},
	{[]string{"-max-nodes", "-1"}, nil, "-max-nodes"},
	{[]string{"-port", "70000"}, nil, "-port"},
	{[]string{"-port", "7", "-call-port", "7"}, nil, "both"},
	{[]string{"-provider", "cloud"}, nil, "-provider"},
	{[]string{"-provider", "local", "-query", "x.internal"}, nil, "-query"},
	{[]string{"-provider", "none"}, nil, "no cookie"},
	{[]string{"-bind", "::"}, nil, "-bind"},
	{[]string{"-bind", "ff02::1"}, nil, "-bind"},
	{[]string{"-bind", "fe80::1"}, nil, "link-local"},
	{[]string{"-bind", "fe80::1%eth0"}, nil, "link-local"},
	{[]string{"-bind", "2001:db8::1"}, nil, "not an address of this machine"},
	{[]string{"-bind", "localhost"}, nil, "-bind"},
	{[]string{"-name", "Über"}, nil, "-name"},
	{[]string{"-dir", "/no/such/dir"}, nil, "-dir"},
	{[]string{"-record", "some"}, nil, "-record"},
	{[]string{"-recordings-max", "much"}, nil, "-recordings-max"},
	{[]string{"-recordings-max", "1kB"}, nil, "-recordings-max"},
	{[]string{"-audit-max", "much"}, nil, "-audit-max"},
	{[]string{"-audit-max", "10k"}, nil, "-audit-max"},
	{[]string{"-audit-age", "400 days"}, nil, "-audit-age"},
	{[]string{"-audit-age", "99999d"}, nil, "-audit-age"},
	{[]string{"-audit-age", "-1d"}, nil, "-audit-age"},
	{nil, map[string]string{"CONVOY_AUDIT_AGE": "1h"}, "-audit-age"},
	{[]string{"-base-path", "convoy"}, nil, "-base-path"},
	{[]string{"-base-path", "/a//b"}, nil, "-base-path"},
	{[]string{"-base-path", "/../b"}, nil, "-base-path"},
	{[]string{"-base-path", "//evil.test"}, nil, "-base-path"},
	{nil, map[string]string{"CONVOY_BASE_PATH": "/a;b"}, "-base-path"},
	{[]string{"-trusted-proxies", "anyone"}, nil, "-trusted-proxies"},
	{nil, map[string]string{"CONVOY_TRUSTED_PROXIES": "10.0.0.0/99"}, "-trusted-proxies"},
	{[]string{"-recordings", "/dev/null/below"}, nil, "/dev/null/below"},
	{[]string{"-record", "all"}, map[string]string{"HOME": ""}, "-recordings"},
	{nil, map[string]string{"CONVOY_OPENID_CLIENT": "x"}, "without -openid-issuer"},
	{[]string{"-log", "xml"}, nil, "-log"},
	{[]string{"-log-level", "loud"}, nil, "-log-level"},
	{nil, map[string]string{"CONVOY_COOKIE": "super-secret-cookie"}, "CONVOY_COOKIE"},
	{nil, map[string]string{"CONVOY_TOKEN": "short"}, "CONVOY_TOKEN"},
	{nil, map[string]string{"CONVOY_POLL": "often"}, "CONVOY_POLL"},
	{nil, map[string]string{"CONVOY_TLS_SELF": "maybe"}, "true or false"},
	{[]string{"cookie", "x"}, nil, `"x"`},
	{[]string{"railway"}, nil, "railway takes check"},
	{[]string{"railway", "status"}, nil, "railway takes check"},
	{[]string{"railway", "check", "x"}, nil, `"x"`},
	{[]string{"help", "nosuch"}, nil, `"nosuch"`},
	{[]string{"version", "x"}, nil, `"x"`},
	{[]string{"health", "-x"}, nil, "-x"},
	{[]string{"user"}, nil, "user takes"},
	{[]string{"user", "rename"}, nil, `"rename"`},
	{[]string{"user", "add"}, nil, "NAME"},
	{[]string{"audit"}, nil, "audit takes"},
	{[]string{"audit", "tail", "-n", "few"}, nil, "whole number"},
	{[]string{"shell", "nosuch.star"}, nil, "nosuch.star"},
	{[]string{"shell", "-timeout", "5", "-c", "1"}, nil, "a number with a unit"},
	{[]string{"shell", "a", "b"}, nil, "more than one"},
	{[]string{"completion"}, nil, "bash"},
	{[]string{"completion", "csh"}, nil, "bash"},
	{[]string{"confined"}, nil, "internal"},
	{[]string{"confined", "x", "spare"}, nil, "internal"},
	{[]string{"confined", "x", "nosuch"}, nil, "internal"},
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for _, test := range badFlags {
		refuses(t, test.args, test.env, test.want)
	}
}

// refuses checks that convoy ends with such arguments, and prints one error with want and one hint.
func refuses(t *testing.T, args []string, env map[string]string, want string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status := Run(t.Context(), args, testEnv(env), nil, &stdout, &stderr)
	got := stderr.String()
	if status != 2 || strings.Count(got, "\n") != 2 || !strings.HasPrefix(got, "convoy: error: ") ||
		!strings.Contains(got, "\nconvoy: hint: ") || !strings.Contains(got, want) {
		t.Errorf("%v %v: status %d, %q: want 2, one error with %q and one hint", args, env, status, got, want)
	}
	if stdout.Len() > 0 {
		t.Errorf("%v: standard output %q", args, stdout.String())
	}
}

const testCookie = "kD93jfLq02mXv81zRtY6uWcB47nHsPaE"

// asProcess is the variable that makes the test binary the program itself.
const asProcess = "CONVOY_TEST_PROCESS"

func TestMain(m *testing.M) {
	// as a node starts it
	evaluates := len(os.Args) > 1 && slices.Contains([]string{"evaluate", "shell", "confined"}, os.Args[1])
	if evaluates || os.Getenv(asProcess) != "" {
		os.Exit(Main())
	}
	home, err := os.MkdirTemp("", "convoy-cli")
	if err != nil {
		panic(err)
	}
	testHome = home
	status := m.Run()
	os.RemoveAll(home)
	os.Exit(status)
}

// testHome is the home directory of these tests.
var testHome string

// testEnv is the environment of the commands in these tests.
func testEnv(more map[string]string) func(string) string {
	env := map[string]string{
		"PATH":  os.Getenv("PATH"),
		"HOME":  testHome,
		"SHELL": "/bin/sh",
		"LANG":  "C.UTF-8",
	}
	return func(name string) string {
		if value, ok := more[name]; ok {
			return value
		}
		return env[name]
	}
}
