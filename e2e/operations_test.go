package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"convoy/fleet"
	"convoy/internal/testkit"
)

const (
	rulesFile     = "deploy/prometheus-rules.yaml"
	dashboardFile = "deploy/grafana-dashboard.json"
)

var (
	metricName = regexp.MustCompile(`\b(convoy|process|go)_[a-z_]+\b`)
	labelValue = regexp.MustCompile(`\b(status|state)=~?"([^"]*)"`)
)

// labelValues are what the metrics' labels can be.
var labelValues = []string{
	string(fleet.Creating), string(fleet.Joining), string(fleet.Alive), string(fleet.Unreachable), string(fleet.Ended),
	string(fleet.Retiring), string(fleet.Left), string(fleet.Failed), "running", "ended",
}

// The example alerts and the dashboard use metrics that a node has, with values that their labels can have, and the
// documentation lists Convoy's own.
func TestMetricNames(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	served := get(t, n.Client, "/metrics", "")
	protocol, err := os.ReadFile("docs/protocol.md")
	testkit.Must(t, err)
	names := 0
	for _, file := range []string{rulesFile, dashboardFile} {
		text, err := os.ReadFile(file)
		testkit.Must(t, err)
		for _, name := range metricName.FindAllString(string(text), -1) {
			names++
			if !strings.Contains(served, "# TYPE "+name+" ") {
				t.Errorf("%s has %s, which no node has", file, name)
			}
			if own := strings.HasPrefix(name, "convoy_"); own && !strings.Contains(string(protocol), "`"+name) {
				t.Errorf("docs/protocol.md does not list %s", name)
			}
		}
		for _, match := range labelValue.FindAllStringSubmatch(strings.ReplaceAll(string(text), `\"`, `"`), -1) {
			for value := range strings.SplitSeq(match[2], "|") {
				if !slices.Contains(labelValues, value) {
					t.Errorf("%s has %s, and no metric has that value", file, match[0])
				}
			}
		}
	}
	if names < 30 {
		t.Errorf("only %d names were found", names)
	}
}

// Each alert fires when it should, and none does in a calm cluster.
func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool here")
	}
	for _, args := range [][]string{{"check", "rules", rulesFile}, {"test", "rules", "e2e/testdata/alerts.yaml"}} {
		if text, err := exec.CommandContext(testkit.Context(t), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, text)
		}
	}
}

// expressions are the queries of the dashboard for all nodes; that of its marks without the comparison.
func expressions(t *testing.T) (list []string) {
	t.Helper()
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Annotations struct{ List []struct{ Expr string } }
	}
	text, err := os.ReadFile(dashboardFile)
	testkit.Must(t, err)
	testkit.Must(t, json.Unmarshal(text, &board))
	fill := strings.NewReplacer("$job", "convoy", "$instance", ".*", "$__rate_interval", "1m")
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			list = append(list, fill.Replace(target.Expr))
		}
	}
	for _, one := range board.Annotations.List {
		list = append(list, strings.TrimSuffix(fill.Replace(one.Expr), " > 0"))
	}
	if len(list) < 15 {
		t.Fatalf("the dashboard has only %d queries", len(list))
	}
	return list
}

// A real Prometheus scrapes a node with the documented settings and a viewer's token, loads the alerts, and has values
// for all queries of the dashboard.
func TestPrometheus(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("there is no prometheus here")
	}
	n, ctx := startNode(t, nil), testkit.Context(t)
	_, err = n.Open(ctx, onlyNode(t, n))
	testkit.Must(t, err)
	var made struct{ Token string }
	testkit.Must(t, n.Do(ctx, http.MethodPost, "/tokens", []byte(`{"name":"prometheus","role":"viewer","days":9}`), &made))
	at := startPrometheus(t, program, n.host(), made.Token)
	for _, query := range expressions(t) {
		testkit.Eventually(t, query+" has a value", func() bool { return at.values(t, query) > 0 })
	}
	var rules struct{ Groups []struct{ Rules []rule } }
	testkit.Eventually(t, "all alerts are evaluated", func() bool {
		at.ask(t, "rules", &rules)
		return len(rules.Groups) == 1 && !slices.ContainsFunc(rules.Groups[0].Rules, func(r rule) bool {
			return r.Health != "ok" || r.State != "inactive"
		})
	})
}

// rule is an alert as Prometheus reports it.
type rule struct{ Health, State string }

// server is the address of a Prometheus.
type server string

// startPrometheus runs Prometheus for one node, with the configuration of the documentation.
func startPrometheus(t *testing.T, program, host, token string) server {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		testkit.Must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	rules, err := filepath.Abs(rulesFile)
	testkit.Must(t, err)
	conf := strings.NewReplacer(
		"scheme: https", "scheme: http", "n1.example.com, n2.example.com", host,
		"/etc/prometheus/prometheus-rules.yaml", rules, "/etc/prometheus/convoy-token", file("token", token),
	).Replace(testkit.Block(t, "docs/operations.md", "scrape_configs:"))
	conf += "global: { scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 500ms }\n"
	cmd := exec.Command(program, "--config.file="+file("conf", conf), "--storage.tsdb.path="+filepath.Join(dir, "db"),
		"--web.listen-address=127.0.0.1:"+port, "--log.level=warn")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	testkit.Must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // as it was told
	})
	testkit.Eventually(t, "Prometheus listens", func() bool {
		answer, err := http.Get("http://127.0.0.1:" + port + "/-/ready")
		if err == nil {
			answer.Body.Close()
		}
		return err == nil && answer.StatusCode == http.StatusOK
	})
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return server("http://127.0.0.1:" + port + "/api/v1/")
}

// ask decodes the data of an answer. A query that is wrong ends the test.
func (s server) ask(t *testing.T, path string, into any) {
	t.Helper()
	answer, err := http.Get(string(s) + path)
	testkit.Must(t, err)
	defer answer.Body.Close()
	var full struct {
		Error string
		Data  json.RawMessage
	}
	testkit.Must(t, json.NewDecoder(answer.Body).Decode(&full))
	if full.Error != "" {
		t.Fatalf("%s: %s", path, full.Error)
	}
	testkit.Must(t, json.Unmarshal(full.Data, into))
}

// values is how many values a query has now.
func (s server) values(t *testing.T, query string) int {
	t.Helper()
	var data struct{ Result []json.RawMessage }
	s.ask(t, "query?query="+url.QueryEscape(query), &data)
	return len(data.Result)
}
