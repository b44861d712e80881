package session

import "testing"

func TestAgentOf(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "another program", "curl/8.1": "curl", "<script>alert(1)</script>": "another program",
		"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 " + "Firefox/130.0": "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36 " +
			"Edg/120": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/17 " +
			"Safari/604.1": "Safari on iPhone",
	} {
		if got := agentOf(header); got != want {
			t.Errorf("%q is %q, want %q", header, got, want)
		}
	}
}
