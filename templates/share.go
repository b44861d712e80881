package templates

import (
	"net/netip"
	"net/url"
	"time"
)

// ShareLinks is the content of the dialog with the share links to a shell.
type ShareLinks struct {
	Path  string // of the list of links
	What  string // title of the shell
	Short string // of its node
	Made  string // address of a new link, which is shown once
	Said  string // what was done, for screen readers
	Links []ShareLink
}

// Local reports whether only this machine can open the new link.
func (l ShareLinks) Local() bool {
	made, err := url.Parse(l.Made)
	if err != nil {
		return false
	}
	addr, _ := netip.ParseAddr(made.Hostname())
	return made.Hostname() == "localhost" || addr.IsLoopback()
}

// ShareLink is a link as docs/protocol.md describes it. Its address is shown once, to its creator.
type ShareLink struct {
	ID      string     `json:"id"`
	URL     string     `json:"url,omitempty"`
	Right   string     `json:"right"` // watch or type
	Label   string     `json:"label"`
	By      string     `json:"by"`
	Made    time.Time  `json:"made"`
	Expires time.Time  `json:"expires"`
	Used    *time.Time `json:"used"` // last; nil: never
	Viewers int        `json:"viewers"`
}

// Types reports whether the link lets its holder type.
func (l ShareLink) Types() bool { return l.Right == "type" }
