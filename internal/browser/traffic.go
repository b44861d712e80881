package browser

import (
	"context"
	"net/url"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Traffic is what one page requested and received.
type Traffic struct {
	Requests []string // method and path of each, without its query, in the order of sending
	Bytes    int64    // received in complete answers, with headers, and compressed as they were sent
}

// ColdLoad loads the page again as a browser that has none of it in its cache, waits until a JavaScript expression is
// truthy, and returns the traffic so far. The page in between that shows the page key does not count.
func (p *Page) ColdLoad(until string) Traffic {
	p.t.Helper()
	call(p, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	defer call(p, network.SetCacheDisabled, network.SetCacheDisabledParams{})
	ctx, stop := context.WithCancel(p.ctx)
	defer stop()
	var mu sync.Mutex
	var t Traffic
	err := chromedp.Listen(ctx, func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Type == network.ResourceTypeDocument {
				t = Traffic{}
			}
			if at, err := url.Parse(e.Request.URL); err == nil && at.Host != "" { // a data URL has none
				t.Requests = append(t.Requests, e.Request.Method+" "+at.Path)
			}
		case *network.EventLoadingFinished:
			t.Bytes += int64(e.EncodedDataLength)
		}
	})
	if err != nil {
		p.t.Fatalf("browser: listen: %v", err)
	}
	p.Reload()
	p.Wait(until)
	mu.Lock()
	defer mu.Unlock()
	return Traffic{slices.Clone(t.Requests), t.Bytes}
}
