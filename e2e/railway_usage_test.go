package e2e

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"convoy/internal/browser"
	"convoy/internal/client"
	"convoy/internal/railwaytest"
	"convoy/internal/testkit"
	"convoy/stats"
)

// crashed is a cloud with a node that joined and whose container then crashed, and the node's name.
func crashed(t *testing.T) (c *cloud, name string) {
	t.Helper()
	c = startCloud(t, quick, nil)
	c.out.line(testkit.Context(t), t, "railway identity")
	made, err := c.Spawn(testkit.Context(t))
	testkit.Must(t, err)
	c.until(t, "it has joined", has(made.Name, "alive"))
	c.api.Set(label(made.Name), railwaytest.Stage{Status: "CRASHED"})
	providerStats(t, c.Client, made.Name)
	return c, made.Name
}

// providerStats returns the statistics of a node once they are not its own: while it stops, it may still answer.
func providerStats(t *testing.T, c *client.Client, name string) (report stats.Report) {
	t.Helper()
	testkit.Eventually(t, name+" no longer answers", func() bool {
		report = statsOf(t, c, name)
		return report.From != ""
	})
	return report
}

func statsOf(t *testing.T, c *client.Client, name string) (report stats.Report) {
	t.Helper()
	text := get(t, c, "/nodes/"+name+"/stats?range=1h", "application/json")
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		t.Errorf("%v: %s", err, text)
	}
	return report
}

// The statistics of a node whose container crashed are Railway's, on the control plane and on any other node.
func TestRailwayUsage(t *testing.T) {
	t.Parallel()
	c, name := crashed(t)
	report := statsOf(t, c.Client, name)
	if report.From != "railway" || report.Step != 30 || report.Latest["cpu"] != 0.25 ||
		report.Limits.Memory != 1<<30 {
		t.Errorf("on the control plane: %+v", report)
	}

	other := startByHand(t, "b.test")
	port := c.out.gossip(testkit.Context(t))
	other.joins(t, net.JoinHostPort(loopback, strconv.Itoa(port)))
	c.until(t, "the other node is there", has("convoy@b.test", "alive"))
	(&running{Client: other.Client}).until(t, "it knows the crashed one", func(list []client.Node) bool {
		return !has(name, "")(list)
	})
	if report = providerStats(t, other.Client, name); report.From != "railway" || report.Latest["memory"] != 1<<29 {
		t.Errorf("on another node: %+v", report)
	}
	if n := c.api.Count("serviceMetrics"); n != 1 {
		t.Errorf("Railway was asked %d times, want once", n)
	}
	if own := statsOf(t, c.Client, "convoy"); own.From != "" {
		t.Errorf("a node that answers has the statistics of %q", own.From)
	}
}

// The page of a crashed node shows why it has no values of its own, and Railway's; or the reason why there are none.
func TestBrowser_RailwayUsage(t *testing.T) {
	t.Parallel()
	browser.Need(t)
	c, name := crashed(t)
	p := c.browse(t)
	p.Go("http://" + c.host() + "/nodes/" + name)
	p.Wait(`document.querySelector(".field-error")`)
	p.Follow(".details a[href$='/stats']")
	waitText(p, "#stats .silent", "cannot be reached")
	waitText(p, "#stats > header p", "All values are from Railway")
	waitText(p, "#stats > header p", "0.25 cores and 512 MiB, at ")
	for _, id := range []string{"cpu", "memory", "public"} {
		p.Wait(`document.querySelector("#chart-` + id + ` .plot path")`)
		waitText(p, "#chart-"+id+" h2", ", from Railway")
	}
	waitText(p, "#chart-memory text.limit", "limit 1 GiB")
	p.Clean()

	c.api.Fail("serviceMetrics", railwaytest.Fault{Message: "Not Authorized"})
	p.Follow("#range-6h") // another answer than the one that Convoy has
	waitText(p, "#stats .silent", "the Railway token may not read the node's metrics")
	p.Wait(`document.querySelectorAll("#stats .chart").length === 0`)
	var refused *client.Problem
	err := c.Do(testkit.Context(t), http.MethodGet, "/nodes/"+name+"/stats?range=6h", nil, nil)
	if !errors.As(err, &refused) || refused.Status != http.StatusBadGateway ||
		!strings.Contains(refused.Error(), "may not read") {
		t.Errorf("a script gets %v, want 502 with both reasons", err)
	}
	p.Go("http://" + c.host() + "/")
	p.Wait(`window.convoy`)
	c.checkSecrets(t, p)
	p.Clean()
}
