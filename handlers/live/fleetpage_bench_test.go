package live

import (
	"slices"
	"testing"
	"time"

	"convoy/handlers/web"
	"convoy/internal/testkit"
	"convoy/stats"
	"convoy/templates"
)

// BenchmarkFleetPage_Second is a second of a hundred nodes with three shells each, while people work: two commands
// report their progress and another one begins, one after the other, and five nodes report statistics. It is what the
// node does once for all pages: it makes the views, renders and compares.
func BenchmarkFleetPage_Second(b *testing.B) {
	hub := &Hub{Config: Config{Site: &web.Site{Templates: newSet(b)}}}
	list := hundred()
	last, err := newFleetPage(hub.Site.Templates, list, nil)
	testkit.Must(b, err)
	second, values, before := 0, make(stats.Values, 45), testkit.CPUTime(b)
	for ; b.Loop(); second++ {
		for i := range 3 {
			list = change(list, second, i)
			next, err := newFleetPage(hub.Site.Templates, list, last)
			testkit.Must(b, err)
			if partials, ok := next.since(last); !ok || len(partials) == 0 {
				b.Fatal("not the change alone is sent")
			}
			last = next
		}
		for i := range 5 {
			values[(second+i)%len(values)] = float32(second%7 + 1)
			one := spark{Spark: stats.Spark{CPU: values, Memory: values, Limits: stats.Limits{CPU: 8}}}
			_, err := one.draw(hub, list.Nodes[i].Name)
			testkit.Must(b, err)
		}
	}
	b.ReportMetric(1000*(testkit.CPUTime(b)-before).Seconds()/float64(second), "CPU-ms/s")
}

// change is the list after a change of one shell, made anew as Hub.NodeList makes it.
func change(list templates.NodeList, second, number int) templates.NodeList {
	list.Nodes = slices.Clone(list.Nodes)
	for i := range list.Nodes {
		n := &list.Nodes[i]
		n.ID, n.Shells = templates.ElementID(n.Name), templates.Number(slices.Clone(n.Shells))
	}
	since := time.Unix(int64(second), 0)
	shell := &list.Nodes[(second+30*number)%len(list.Nodes)].Shells[1]
	shell.State = templates.State{Doing: "running", Command: "make", Since: &since}
	if number > 0 {
		shell.State.Progress = &templates.Progress{State: "normal", Percent: second % 101}
	}
	return list
}
