package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"convoy/fleet"
	"convoy/internal/client"
	"convoy/internal/testkit"
	"convoy/stats"
	"convoy/templates"
)

// get is the body of an answer, which must have that status.
func (n *testNode) get(t *testing.T, status int, path string, headers ...string) string {
	t.Helper()
	body, _ := n.text(t, status, "GET", path, "", headers...)
	return body
}

// Scripts get the statistics of any node, and those of all, from any console.
func TestStats_JSON(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	b.Stats.Sample()
	b.Stats.Sample()
	b.Stats.Sample()
	a.eventuallyIs(t, http.StatusOK, "GET", "/nodes/"+owner+"/stats", bearer)
	for path, count := range map[string]int{"": 3, "?range=15m&shells=0": 3, "?range=1h": 1, "?range=24h": 1} {
		var report stats.Report
		testkit.Must(t, json.Unmarshal([]byte(a.get(t, 200, "/nodes/"+owner+"/stats"+path)), &report))
		if got := len(report.Series["process_memory"]); got != count || report.Latest["process_memory"] < 1<<20 {
			t.Errorf("%q: %d values, %v", path, got, report.Latest)
		}
	}
	var all []nodeStats
	testkit.Must(t, json.Unmarshal([]byte(a.get(t, 200, "/stats")), &all))
	if len(all) != 2 || all[0].Stats == nil || all[1].Stats == nil || len(all[1].Stats.Series["load"]) != 3 {
		t.Errorf("of all nodes: %+v", all)
	}
	if text := a.get(t, 400, "/nodes/"+owner+"/stats?range=9h"); !strings.Contains(text, "15m, 1h, 6h or 24h") {
		t.Error(text)
	}
	a.get(t, 400, "/stats?range=1y")
	a.get(t, 404, "/nodes/convoy@nowhere/stats")
}

// older is a cluster whose other nodes know no statistics, or do not answer.
type older struct{ url string }

func (o older) Do(_ string, r *http.Request) (*http.Response, error) {
	if o.url == "" {
		return nil, errors.New("no route")
	}
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(o.url, "http://")
	return http.DefaultClient.Do(r)
}

func (older) Call(context.Context, string, string, ...any) (json.RawMessage, error) {
	return nil, errors.New("no route")
}
func (older) Connect(context.Context, string) error { return errors.New("no route") }

// Pages describe a node that is older or does not answer, and one that has no values yet.
func TestStats_PagesWithoutValues(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for _, c := range []struct {
		cluster older
		status  int
		says    string
	}{
		{older{server.URL}, 501, "has a version without statistics"},
		{older{}, 502, "cannot be reached from here: no route"},
	} {
		n := startNamed(t, self, c.cluster, 0, "/bin/cat")
		now := time.Now()
		n.Fleet.SetMembers([]fleet.Member{
			{Name: self, Instance: "one", State: fleet.MemberAlive, Self: true, Started: now, Seen: now},
			{Name: owner, Instance: "two", State: fleet.MemberAlive, Started: now, Seen: now},
		})
		for path, says := range map[string]string{
			"/nodes/" + owner + "/stats": c.says, "/stats": c.says, "/nodes/" + self + "/stats": "No values yet",
		} {
			if text := n.get(t, 200, path, "Accept: text/html"); !strings.Contains(text, says) {
				t.Errorf("%s does not say %q: %s", path, says, text)
			}
		}
		if text := n.get(t, c.status, "/nodes/"+owner+"/stats"); !strings.Contains(text, c.says) {
			t.Errorf("a script gets %s", text)
		}
	}
}

// Streams send the statistics of both nodes: a page less than 1 kB for each, scripts numbers.
func TestStats_Stream(t *testing.T) {
	t.Parallel()
	a, b := twoNodes(t)
	for range 200 {
		a.Stats.Sample()
		b.Stats.Sample()
	}
	for _, page := range []bool{true, false} {
		c := client.New(a.url, token)
		c.Page = page
		t.Cleanup(c.Close)
		stream, err := c.Stream(testkit.Context(t), url.Values{"want": {"nodes"}})
		testkit.Must(t, err)
		t.Cleanup(stream.Close)
		for seen := map[string]bool{}; len(seen) < 2; {
			e, err := stream.Next()
			testkit.Must(t, err)
			var cards []struct {
				Node, ID, HTML string
				Stats          *stats.Spark
			}
			if e.Name != "stats" {
				continue
			}
			testkit.Must(t, json.Unmarshal(e.Data, &cards))
			for _, one := range cards {
				seen[one.Node] = true
				html := strings.Contains(one.HTML, "CPU") && len(one.HTML) < 1024 &&
					one.ID == "sparks-"+templates.ElementID(one.Node)
				if page != html || page == (one.Stats != nil && len(one.Stats.CPU) == 45) {
					t.Errorf("for a page %v: %+v", page, one)
				}
			}
		}
	}
}

// The page of 40 nodes stays small.
func TestStats_ManyNodes(t *testing.T) {
	t.Parallel()
	n := start(t, "/bin/cat")
	all := make([]nodeStats, 40)
	for i := range all {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		report := stats.Report{
			Step: 60, Series: map[string]stats.Values{}, Limits: stats.Limits{CPU: 4, Memory: 1e10, Disk: 1e12},
		}
		for name, scale := range map[string]float32{
			"cpu": 4, "memory": 1e10, "net_in": 1e8, "net_out": 1e5, "disk": 1e12, "load": 9,
		} {
			value := random.Float32()
			for range 360 {
				value = min(1, max(0, value+(random.Float32()-0.5)/8))
				report.Series[name] = append(report.Series[name], value*scale)
			}
		}
		all[i] = nodeStats{Node: fmt.Sprintf("convoy@convoy-%04d.internal", i), Stats: &report}
	}
	html, err := n.site.Templates.Execute("stats", templates.Stats{Charts: fleetCharts(all, 6*time.Hour)})
	testkit.Must(t, err)
	if text := string(html); len(text) > 400_000 || strings.Count(text, "32 others") != 6 ||
		!strings.Contains(text, `<th scope="row"><a href="/nodes/convoy@convoy-0039.internal/stats">`) {
		t.Errorf("%d bytes: %.3000s", len(text), text)
	}
}
