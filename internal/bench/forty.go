package main

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/chromedp"

	"convoy/internal/bench/stats"
	"convoy/internal/browser"
	"convoy/internal/client"
)

const (
	fortyNodes  = 40 // with the control plane
	fortyShells = 3  // of each node
	fortyWatch  = 10 * time.Second
)

// Rows of the part.
const (
	rowFortyAlone  = "control plane, while nobody is attached"
	rowFortyViewed = "control plane, while the page is open"
	rowPage        = "the page"
)

// measureForty spawns nodes with idle shells, and opens their page in a browser.
func measureForty(ctx context.Context, b *bench) error {
	driver, stop, err := browser.Start()
	defer stop()
	if err != nil || driver == nil {
		b.report.note("forty: left out, Chromium is not installed")
		return err
	}
	c, err := b.place.start(ctx, b.binary, "-max-nodes", strconv.Itoa(fortyNodes))
	if err != nil {
		return err
	}
	defer c.stop()
	if err := c.fill(ctx); err != nil {
		return err
	}
	if err := pause(ctx, restWait); err != nil {
		return err
	}
	if err := b.watchFor(ctx, rowFortyAlone, c.pid()); err != nil {
		return err
	}
	return b.measurePage(ctx, driver, c)
}

// fill spawns nodes, all at once, and opens shells.
func (c *convoy) fill(ctx context.Context) error {
	viewer := c.client(c.base)
	defer viewer.Close()
	stream, err := viewer.Stream(ctx, url.Values{"want": {"nodes"}})
	if err != nil {
		return err
	}
	defer stream.Close()
	for range fortyNodes - 1 {
		if _, err := viewer.Spawn(ctx); err != nil {
			return err
		}
	}
	var all []client.Node
	err = untilNodes(stream, func(list []client.Node) (bool, error) {
		for _, n := range list {
			if n.Status != "alive" {
				return false, nil
			}
		}
		all = list
		return len(list) == fortyNodes, nil
	})
	for _, n := range all {
		for range fortyShells {
			if _, err := viewer.Open(ctx, n.Name); err != nil {
				return fmt.Errorf("open a shell: %w", err)
			}
		}
	}
	return err
}

// measurePage opens the page in a tab, through a relay that counts.
func (b *bench) measurePage(ctx context.Context, driver context.Context, c *convoy) error {
	relay, err := newRelay(c.base)
	if err != nil {
		return err
	}
	defer relay.close()
	t := &tab{name: rowPage}
	t.ctx, t.close = chromedp.NewContext(driver, chromedp.WithNewBrowserContext())
	defer t.close()
	defer context.AfterFunc(ctx, t.close)()
	if err := chromedp.Do(t.ctx, chromedp.EmulateViewport(pageWidth, pageHeight)); err != nil {
		return err
	}
	if err := chromedp.Do(t.ctx, chromedp.Navigate(relay.base+"/?token="+c.token)); err != nil {
		return err
	}
	const whole = `document.querySelectorAll(".node[data-status=alive]").length === %d &&
		document.querySelectorAll("[role=tab][data-shell]").length === %d && window.convoy?.panes.size &&
		[...convoy.panes.values()].every((pane) => pane.term.buffer.active.getLine(0)?.translateToString(true))`
	if err := t.wait(fmt.Sprintf(whole, fortyNodes, fortyNodes*fortyShells)); err != nil {
		return fmt.Errorf("the page does not show all nodes: %w", err)
	}
	b.report.add("forty", rowPage, "on the wire", unitKB, float64(relay.sent.Load())/1000)
	pid := renderer()
	if pid == 0 {
		b.report.note("forty: no process of the page was found")
		return nil
	}
	before := relay.sent.Load()
	if err := b.watchFor(ctx, rowPage, pid, c.pid()); err != nil {
		return err
	}
	if _, err := chromedp.Call(t.ctx, heapprofiler.CollectGarbage, chromedp.Void{}); err != nil {
		return err
	}
	kept, _ := ownMemory(pid)
	b.report.add("forty", rowPage, "after a collection", unitMiB, kept/(1<<20))
	b.report.add("forty", rowPage, "at rest, KB/s", "", float64(relay.sent.Load()-before)/1000/fortyWatch.Seconds())
	return nil
}

// watchFor looks at a process for a while, and at a control plane whose page it shows.
func (b *bench) watchFor(ctx context.Context, row string, pids ...int) error {
	before, began := lookAll(pids), time.Now()
	if err := pause(ctx, fortyWatch); err != nil {
		return err
	}
	seconds, after := time.Since(began).Seconds(), lookAll(pids)
	for i, row := range []string{row, rowFortyViewed}[:len(pids)] {
		b.report.add("forty", row, "not shared", unitMiB, after[i].own/(1<<20))
		b.report.add("forty", row, "CPU", unitPercent, 100*(after[i].cpu-before[i].cpu).Seconds()/seconds)
	}
	return nil
}

// renderer is the process of Chromium's that shows the page: the largest of those that this program has started that
// draw one; 0: none.
func renderer() (pid int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline") //nolint:errcheck // the pattern is right
	most := 0.0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte("--type=renderer")) {
			continue
		}
		one, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))) //nolint:errcheck // it is a number
		if own, _ := ownMemory(one); own > most && below(one) {
			pid, most = one, own
		}
	}
	return pid
}

// below reports whether a process was started by this one, or by one that was.
func below(pid int) bool {
	for ; pid > 1; pid = int(stats.Status(pid)["PPid"]) {
		if pid == os.Getpid() {
			return true
		}
	}
	return false
}
