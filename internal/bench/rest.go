package main

import (
	"context"
	"net/url"
	"time"
)

const (
	restNodes = 3                // beside the control plane
	restWait  = 15 * time.Second // until connections that starting took have ended
	wayRestCP = "control plane"
	wayRest   = "spawned node"
	// wayRestSupervisor is the process that starts the control plane.
	wayRestSupervisor = "supervisor"
)

// measureRest looks at a cluster of four that nobody is attached to: what its nodes cost.
func measureRest(ctx context.Context, b *bench) error {
	c, err := b.place.start(ctx, b.binary)
	if err != nil {
		return err
	}
	defer c.stop()
	pids, err := spawnedNodes(ctx, c)
	if err != nil {
		return err
	}
	if _, ok := look(pids[0]); !ok {
		b.report.note("rest: this system does not tell")
		return nil
	}
	if err := pause(ctx, restWait); err != nil {
		return err
	}
	supervisor := []int{c.cmd.Process.Pid}
	before, supervisorBefore := lookAll(pids), lookAll(supervisor)
	began := time.Now()
	if err := pause(ctx, b.rest); err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	after := lookAll(pids)
	b.reportRest(wayRestCP, before[:1], after[:1], took)
	b.reportRest(wayRest, before[1:], after[1:], took)
	b.reportRest(wayRestSupervisor, supervisorBefore, lookAll(supervisor), took)
	return nil
}

// spawnedNodes spawns the nodes, and gives the processes of all: the control plane's first.
func spawnedNodes(ctx context.Context, c *convoy) ([]int, error) {
	viewer := c.client(c.base)
	defer viewer.Close()
	stream, err := viewer.Stream(ctx, url.Values{"want": {"nodes"}})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	pids := []int{c.pid()}
	for range restNodes {
		node, err := spawn(ctx, viewer, stream)
		if err != nil {
			return nil, err
		}
		pid, err := pidOf(node)
		if err != nil {
			return nil, err
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// usage is what a process uses.
type usage struct {
	resident, own float64 // bytes, and of them those that are not pages of a file, which all processes share
	wakes         float64 // how often its threads have waited and gone on
	cpu           time.Duration
}

func lookAll(pids []int) []usage {
	var all []usage
	for _, pid := range pids {
		u, _ := look(pid) //nolint:errcheck // it was there before
		all = append(all, u)
	}
	return all
}

// reportRest adds the mean of some nodes' figures.
func (b *bench) reportRest(way string, before, after []usage, seconds float64) {
	var sum usage
	for i, u := range after {
		sum.resident, sum.own = sum.resident+u.resident, sum.own+u.own
		sum.wakes, sum.cpu = sum.wakes+u.wakes-before[i].wakes, sum.cpu+u.cpu-before[i].cpu
	}
	n := float64(len(after))
	b.report.add("rest", way, "resident", unitMiB, sum.resident/n/(1<<20))
	b.report.add("rest", way, "not shared", unitMiB, sum.own/n/(1<<20))
	b.report.add("rest", way, "CPU", unitPercent, 100*sum.cpu.Seconds()/n/seconds)
	b.report.add("rest", way, "wake-ups/s", "", sum.wakes/n/seconds)
}
