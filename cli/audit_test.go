package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"convoy/audit"
	"convoy/internal/testkit"
)

// auditLog is a log of four entries below the default directory of an environment. It is still open.
func auditLog(t *testing.T) (env map[string]string, dir string, l *audit.Log) {
	t.Helper()
	state := t.TempDir()
	dir = filepath.Join(state, "convoy", "audit")
	l, err := audit.Open(audit.Config{
		Dir:  dir,
		Node: "convoy@a.test",
		Now:  func() time.Time { return time.Date(2026, 11, 25, 10, 15, 2, 0, time.UTC) },
	})
	testkit.Must(t, err)
	t.Cleanup(func() { l.Close() })
	for _, user := range []string{"ada", "eve role=admin", "bob\x1b[2J\nseq=9", "cyd"} {
		_, err := l.Append(audit.Entry{User: user, Action: "shell.open", Result: audit.OK, Detail: "<b>"})
		testkit.Must(t, err)
	}
	return map[string]string{"XDG_STATE_HOME": state}, dir, l
}

// ask runs a command, and returns its exit status and what it wrote.
func ask(t *testing.T, env map[string]string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, bad bytes.Buffer
	status = Run(t.Context(), args, testEnv(env), nil, &out, &bad)
	return status, out.String(), bad.String()
}

func TestAuditVerify(t *testing.T) {
	t.Parallel()
	env, dir, l := auditLog(t)
	head := l.Head().String()
	for _, args := range [][]string{{}, {dir}, {"-data", filepath.Dir(dir)}, {"-since", head}, {"-since", head, dir}} {
		status, out, bad := ask(t, env, append([]string{"audit", "verify"}, args...)...)
		if status != 0 || !strings.HasPrefix(out, "the audit log is sound: 4 entries in 1 file ") ||
			!strings.Contains(out, head) || strings.Count(out, "\n") != 1 || bad != "" {
			t.Errorf("%v: status %d, %q, %q", args, status, out, bad)
		}
	}
	status, out, _ := ask(t, map[string]string{"CONVOY_DATA": filepath.Dir(dir)}, "audit", "verify")
	if status != 0 {
		t.Errorf("by CONVOY_DATA: status %d, %q", status, out)
	}
	status, out, _ = ask(t, env, "audit", "verify", "-json")
	var report struct {
		Sound bool
		audit.Report
	}
	if err := json.Unmarshal([]byte(out), &report); status != 0 || err != nil || !report.Sound || report.Entries != 4 ||
		report.Head != l.Head() {
		t.Errorf("as JSON: status %d, %v, %s", status, err, out)
	}
}

func TestAuditVerifyFindsBreaks(t *testing.T) {
	t.Parallel()
	env, dir, l := auditLog(t)
	head := l.Head().String()
	testkit.Must(t, l.Close())
	files, err := filepath.Glob(dir + "/*.jsonl")
	testkit.Must(t, err)
	text, err := os.ReadFile(files[0])
	testkit.Must(t, err)
	testkit.Must(t, os.WriteFile(files[0], bytes.Replace(text, []byte("ada"), []byte("eva"), 1), 0o600))
	status, out, bad := ask(t, env, "audit", "verify")
	if want := "broken at " + filepath.Base(files[0]) + ", line 1 (hash differs)"; status != 1 ||
		!strings.Contains(out, want) || bad != "" {
		t.Errorf("a changed line: status %d, %q, %q", status, out, bad)
	}
	status, out, _ = ask(t, env, "audit", "verify", "-json")
	if status != 1 || !strings.Contains(out, `"sound":false`) ||
		!strings.Contains(out, `"line":1,"reason":"hash differs"`) {
		t.Errorf("as JSON: status %d, %s", status, out)
	}
	testkit.Must(t, os.WriteFile(files[0], text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1], 0o600))
	if status, out, _ = ask(t, env, "audit", "verify"); status != 0 {
		t.Errorf("without the newest line: status %d, %q", status, out)
	}
	if status, out, _ = ask(t, env, "audit", "verify", "-since", head); status != 1 ||
		!strings.Contains(out, "newest missing") {
		t.Errorf("without the newest line, which was noted: status %d, %q", status, out)
	}
}

func TestAuditTail(t *testing.T) {
	t.Parallel()
	env, dir, _ := auditLog(t)
	const first = "time=2026-11-25T10:15:02.000Z " +
		"action=shell.open seq=1 result=ok user=ada node=convoy@a.test detail=<b>\n"
	status, out, bad := ask(t, env, "audit", "tail")
	lines := strings.SplitAfter(out, "\n")
	if status != 0 || bad != "" || len(lines) != 5 || lines[0] != first ||
		!strings.Contains(lines[1], `user="eve role=admin"`) || !strings.Contains(lines[2], `user="bob\x1b[2J\nseq=9"`) {
		t.Errorf("status %d, %q, %q", status, out, bad)
	}
	if status, out, _ = ask(t, env, "audit", "tail", "-n", "1", dir); status != 0 || strings.Count(out, "\n") != 1 ||
		!strings.Contains(out, "seq=4") {
		t.Errorf("the last one: status %d, %q", status, out)
	}
	status, out, _ = ask(t, env, "audit", "tail", "-json", "-n", "2")
	files, err := filepath.Glob(dir + "/*.jsonl")
	testkit.Must(t, err)
	text, err := os.ReadFile(files[0])
	testkit.Must(t, err)
	if status != 0 || strings.Count(out, "\n") != 2 || !strings.HasSuffix(string(text), out) {
		t.Errorf("as JSON they are not what the file has: status %d, %s", status, out)
	}
}

func TestAuditRefuses(t *testing.T) {
	t.Parallel()
	env := map[string]string{"XDG_STATE_HOME": t.TempDir()}
	for _, args := range []string{
		"audit",
		"audit show",
		"audit verify -n 3",
		"audit verify -since 3",
		"audit verify a b",
		"audit verify /no/such/dir",
		"audit verify",
		"audit tail",
		"audit tail -n -1",
		"audit tail -n many",
		"audit tail -since 3",
	} {
		status, out, bad := ask(t, env, strings.Fields(args)...)
		if status != 2 || out != "" || strings.Count(bad, "\nconvoy: hint: ") != 1 {
			t.Errorf("%s: status %d, %q, %q: want 2 and a hint", args, status, out, bad)
		}
	}
	if status, _, bad := ask(t, map[string]string{"HOME": ""}, "audit", "verify"); status != 2 ||
		!strings.Contains(bad, "home directory") {
		t.Errorf("without a home: status %d, %q", status, bad)
	}
}
