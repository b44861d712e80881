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

// ShareLink is a link in that list.
type ShareLink struct {
	ID      string
	Types   bool // else view-only
	Label   string
	Expires time.Time
	Used    time.Time // last; zero: never
	By      string
	Viewers int
}
