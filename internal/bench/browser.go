package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"time"

	"convoy/internal/bench/stats"
	"convoy/internal/browser"
)

// The terminals of the pages, as JavaScript.
const (
	ourTerminal   = "[...convoy.panes.values()][0].term"
	theirTerminal = "window.term"
)

// measureBrowser types into the pages of Convoy and ttyd in one browser, and prints a file there.
func measureBrowser(ctx context.Context, b *bench) error {
	driver, stop, err := browser.Start()
	defer stop()
	if err != nil || driver == nil {
		b.report.note("browser: left out, Chromium is not installed")
		return err
	}
	if b.ttyd == nil {
		if b.ttyd, err = b.startTtyd(ctx); b.ttyd == nil {
			return err
		}
	}
	fresh, err := b.place.start(ctx, b.binary)
	if err != nil {
		return err
	}
	defer fresh.stop()
	ours, err := openTab(ctx, driver, wayCP, fresh.base+"/?token="+fresh.token, ourTerminal)
	if err != nil {
		return err
	}
	defer ours.close()
	here, err := value[appearance](ours, "bench.look()")
	if err != nil {
		return err
	}
	options := url.Values{"rendererType": {"dom"}, "fontFamily": {here.FontFamily}, "fontSize": {here.FontSize},
		"disableLeaveAlert": {"true"}, "disableResizeOverlay": {"true"}}
	theirs, err := openTab(ctx, driver, wayTtyd, "http://"+b.ttyd.addr+"/?"+options.Encode(), theirTerminal)
	if err != nil {
		return err
	}
	defer theirs.close()
	there, err := value[appearance](theirs, fmt.Sprintf("bench.resize(%d, %d), bench.look()", here.Rows, here.Cols))
	if err != nil {
		return err
	}
	b.report.note(fmt.Sprintf("browser: %d × %d cells; convoy's page draws by %s; ttyd's by %s, and its output is "+
		"compressed", here.Rows, here.Cols, here.renderer(), there.renderer()))
	return b.measureTabs(ctx, ours, theirs)
}

// measureTabs has each tab take turns.
func (b *bench) measureTabs(ctx context.Context, tabs ...*tab) error {
	began := time.Now()
	for round := range b.rounds {
		if time.Since(began) > pageTime {
			b.say("%d of %d rounds fit into %v", round, b.rounds, pageTime)
			break
		}
		seconds := make([]float64, len(tabs))
		for turn := range tabs {
			i := (turn + round) % len(tabs)
			took, err := tabs[i].round(round, b.place.pages)
			if err = errors.Join(context.Cause(ctx), err); err != nil {
				return fmt.Errorf("%s, round %d: %w", tabs[i].name, round, err)
			}
			seconds[i] = took
		}
		for i, took := range seconds {
			if !slices.ContainsFunc(seconds, math.IsNaN) {
				tabs[i].bulk = append(tabs[i].bulk, took)
			}
		}
	}
	b.reportTabs(tabs)
	return nil
}

// reportTabs compares the tabs with the last one, which is ttyd's.
func (b *bench) reportTabs(tabs []*tab) {
	ttyd := tabs[len(tabs)-1]
	for _, t := range tabs {
		if t.lossy+t.broken > 0 {
			b.report.note(fmt.Sprintf("browser: %s's page lost bytes %d times, and its connection %d times",
				t.name, t.lossy, t.broken))
		}
		b.report.add("browser", t.name, "key p50", unitMillis, stats.Percentile(t.key.all(), 50))
		b.report.add("browser", t.name, "key p90", unitMillis, stats.Percentile(t.key.all(), 90))
		b.report.add("browser", t.name, "key × ttyd", unitRatio, stats.Ratio(t.key.medians(), ttyd.key.medians()))
		b.report.add("browser", t.name, "cat", unitSeconds, stats.Median(t.bulk))
		b.report.add("browser", t.name, "cat × ttyd", unitRatio, stats.Ratio(t.bulk, ttyd.bulk))
	}
}
