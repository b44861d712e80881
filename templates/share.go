package templates

// ShareLinks is the content of the dialog with the share links to a shell.
type ShareLinks struct {
	Path  string // of the list of links
	What  string // title of the shell
	Short string // of its node
	Made  string // address of a new link, which is shown once
	Said  string // what was done, for screen readers
	Links []ShareLink
}

// ShareLink is a link in that list.
type ShareLink struct {
	ID      string
	Types   bool // else view-only
	Label   string
	Left    string // until it expires: 2 h
	Used    string // since its last use; empty: never
	By      string
	Viewers int
}
