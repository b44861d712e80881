package browser

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// complaints collects errors of a page: errors and warnings on
// its console, uncaught exceptions, and violations of its security policy.
type complaints struct {
	mu      sync.Mutex
	list    []string
	network []string
}

// FailedRequests returns the browser's remarks on requests that failed: refused
// ones, and those that the network swallowed.
func (p *Page) FailedRequests() []string {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return slices.Clone(p.log.network)
}

// Clean fails the test if the page has complained of anything.
func (p *Page) Clean() {
	p.t.Helper()
	for _, problem := range p.log.all() {
		p.t.Errorf("browser: page complains: %s", problem)
	}
}

func (c *complaints) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.list)
}

// slowMachine is part of a warning of xterm.js on a busy machine.
const slowMachine = "task queue exceeded allotted deadline"

// listen takes one event of the tab. It must return at once.
func (c *complaints) listen(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning ||
			e.Type == runtime.ConsoleAPICalledTypeAssert {
			if text := words(e.Args); !strings.Contains(text, slowMachine) {
				c.list = append(c.list, fmt.Sprintf("console %s: %s", e.Type, text))
			}
		}
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		c.list = append(c.list, "exception: "+text)
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		text := fmt.Sprintf("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		switch e.Entry.Source {
		case log.EntrySourceRendering: // about the machine's graphics, not about the page
		case log.EntrySourceNetwork:
			c.network = append(c.network, text)
		default:
			c.list = append(c.list, text)
		}
	}
}

// words joins the arguments of a console call.
func words(args []*runtime.RemoteObject) string {
	var list []string
	for _, arg := range args {
		if arg.Description != "" {
			list = append(list, arg.Description)
		} else {
			list = append(list, string(arg.Value))
		}
	}
	return strings.Join(list, " ")
}
