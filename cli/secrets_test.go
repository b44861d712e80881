package cli

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"convoy/supervisor"
)

func TestSecrets_ForgedDescriptor(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"0", "2", "-1", "99", "x", "70000", ""} {
		cmd := exec.Command(os.Args[0], "-addr", "localhost:0")
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), asProcess + "=1", supervisor.SecretsFD + "=" + number,
		}
		text, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(text), "convoy: hint: ") {
			t.Errorf("%s=%q: %v, %q, want an error and a hint", supervisor.SecretsFD, number, err, text)
		}
	}
}
