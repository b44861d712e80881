package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// completions are the words that complete what was typed; the last one, after a |, is being typed.
var completions = map[string]string{
	"|a":                  "audit",
	"|":                   "upgrade stop shell user audit cookie railway health completion version",
	"stop |-":             "-data -keep-shells",
	"upgrade |":           "",
	"railway |":           "check",
	"user |r":             "remove role",
	"user add |-":         "-data -role -users",
	"user -role admin |a": "add",
	"user add -role |":    "viewer operator admin",
	"audit |":             "verify tail",
	"completion |":        "bash zsh fish",
	"|-tls":               "-tls-cert -tls-key -tls-self",
	"-tls-self -log |":    "json text auto",
	"-tls-self -log |t":   "text",
	"--record |":          "all off",
	"-addr |":             "",
	"-addr :1 |":          "",
	"shell |-t":           "-timeout -token-file",
	"shell |-f":           "", // -fd is for nodes
	"shell -c 1 |":        "",
	"user add |":          "",
	"nosuch |":            "",
}

func TestComplete(t *testing.T) {
	t.Parallel()
	for line, want := range completions {
		before, typed, _ := strings.Cut(line, "|")
		status, out, bad := ask(t, nil, slices.Concat([]string{"complete"}, strings.Fields(before), []string{typed})...)
		var words []string
		for one := range strings.Lines(out) {
			word, _, _ := strings.Cut(one, "\t")
			words = append(words, word)
		}
		if got := strings.Join(words, " "); status != 0 || got != want || bad != "" {
			t.Errorf("%q: status %d, %q, want %q; %s", line, status, got, want, bad)
		}
	}
	if status, out, bad := ask(t, nil, "complete"); status != 0 || out+bad != "" {
		t.Errorf("without a word: status %d, %q", status, out+bad)
	}
}

// completers make a shell print what its own completion offers after "convoy user r" and "convoy -log ".
var completers = map[string]string{
	"bash": `eval "$(convoy completion bash)"
for line in "user r" "-log "; do
	IFS=" " read -ra words <<<"$line"
	COMP_WORDS=(convoy "${words[@]}"); [[ $line = *" " ]] && COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _convoy convoy; printf '%s\n' "${COMPREPLY[@]}"
done`,
	"fish": `convoy completion fish | source
complete -C "convoy user r" | cut -f1; complete -C "convoy -log " | string match -v -r '^-' | cut -f1`,
	"zsh": `autoload -U compinit; compinit -u -D
source <(convoy completion zsh)
_describe() { print -l ${(P)2%%:*}; }
for line in "user r" "-log "; do
	words=(convoy "${(@s: :)line}"); CURRENT=${#words}; _convoy
done`,
}

// TestCompletion runs each script in its shell.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for shell, script := range completers {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip(shell + " is not installed")
			}
			dir := t.TempDir()
			testkit.Must(t, os.Symlink(os.Args[0], filepath.Join(dir, "convoy")))
			cmd := exec.Command(shell, "-c", script)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "HOME=" + dir, asProcess + "=1"}
			out, err := cmd.CombinedOutput()
			got := strings.Fields(string(out))
			slices.Sort(got)
			if want := "auto json remove role text"; err != nil || strings.Join(got, " ") != want {
				t.Errorf("%v, %s", err, out)
			}
		})
	}
}
