package cli

import (
	"slices"
	"testing"
)

// Names are those of DNS however they are written, and addresses have one form.
func TestReadConfig_Names(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CONVOY_COOKIE": testCookie}
	for host, want := range map[string]string{
		"Node1.Example.INTERNAL": "convoy@node1.example.internal",
		"node1.example.":         "convoy@node1.example",
	} {
		cfg, err := readConfig([]string{"-host", host, "-hosts", host + ",b", "-bind", "::ffff:127.0.0.1"}, testEnv(env))
		if err != nil || cfg.Name != want || !slices.Equal(cfg.Hosts, []string{want[len("convoy@"):], "b"}) ||
			cfg.Bind.String() != "127.0.0.1" {
			t.Errorf("%q: %q, %q, %v, %v", host, cfg.Name, cfg.Hosts, cfg.Bind, err)
		}
	}
}

// What is no name is refused before it is polled, or refuses everyone.
func TestReadConfig_NotNames(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CONVOY_COOKIE": testCookie, "CONVOY_TOKEN": testCookie}
	for _, args := range [][]string{
		{"-hosts", "a,https://console.example.com"}, {"-hosts", "console.example.com:443"}, {"-hosts", "*.example.com"},
		{"-query", "a b"}, {"-query", "http://nodes"},
	} {
		refuses(t, args, env, args[0]+": ")
	}
	if _, err := readConfig([]string{"-hosts", "::1,console.example.com"}, testEnv(env)); err != nil {
		t.Errorf("an address, which needs no name: %v", err)
	}
}
