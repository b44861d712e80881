package templates

import "slices"

// Alert is what one user is told of one shell, as docs/protocol.md describes it.
type Alert struct {
	Waits   bool   `json:"waits"`
	Command bool   `json:"command"` // once, when the command that runs ends
	Ends    bool   `json:"ends"`
	Text    string `json:"text"`    // once, when this regular expression matches a line; "": never
	Content bool   `json:"content"` // messages have titles and lines that the program printed
	Able    bool   `json:"able"`    // messages are sent somewhere
	Hook    bool   `json:"hook"`    // also to the address that the node's operator chose
}

// Any reports whether the user is told anything.
func (a Alert) Any() bool { return a.Waits || a.Command || a.Ends || a.Text != "" }

// Words are the events of which the user is told.
func (a Alert) Words() (words []string) {
	for word, on := range map[string]bool{"waits": a.Waits, "command": a.Command, "ends": a.Ends, "text": a.Text != ""} {
		if on {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return words
}

// AlertForm is the content of the dialog in which a user chooses that.
type AlertForm struct {
	Alert
	Path  string // of the alert
	What  string // title of the shell
	Short string // of its node
	Said  string // what was done
}

// Push is whether the browser of a login gets messages while no page is open, as docs/protocol.md describes it.
type Push struct {
	Key string `json:"key"` // to subscribe with; "": the node sends none
	On  bool   `json:"on"`
}
