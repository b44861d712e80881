package screen

import (
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// dirBytes limits the text of OSC 7.
const dirBytes = 4096

// osc handles an operating system command.
func (s *Screen) osc(id int, text string) {
	switch id {
	case 0, 2: // icon name and title, title
		s.title = text
	case 4:
		s.paletteColours(text)
	case 7:
		s.setDir(text)
	case 8:
		s.hyperlink(text)
	case 9:
		s.osc9(text)
	case 10, 11, 12:
		s.specialColours(id, text)
	case 104:
		s.restoreColours(text)
	case 110, 111, 112:
		delete(s.colours, id-110+Foreground)
	case 99:
		s.osc99(text)
	case 133:
		s.promptMark(text)
	case 777:
		s.osc777(text)
	}
}

// setDir handles file://host/path (OSC 7 as in VTE and Terminal.app). It ignores the host. An empty text clears the
// directory; anything but an absolute path of printable characters is ignored.
func (s *Screen) setDir(text string) {
	if text == "" {
		s.dir = ""
		return
	}
	if len(text) > dirBytes {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "file" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") {
		return
	}
	if !utf8.ValidString(u.Path) || strings.ContainsFunc(u.Path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return
	}
	s.dir = path.Clean(u.Path)
}

// hyperlink handles OSC 8 ; key=value:… ; URI. An empty URI without keys ends the link.
func (s *Screen) hyperlink(text string) {
	keys, uri, ok := strings.Cut(text, ";")
	if !ok {
		return
	}
	keys = strings.TrimSpace(keys)
	if uri == "" && keys != "" {
		return
	}
	p := s.pen
	p.ext.link = nil
	if uri != "" {
		p.ext.link = s.exts.open(linkID(keys), uri, s.markUsed)
	}
	p.updateExt()
	s.setPen(p)
}

func linkID(keys string) string {
	for key := range strings.SplitSeq(keys, ":") {
		if id, ok := strings.CutPrefix(key, "id="); ok {
			return id
		}
	}
	return ""
}

// PromptState is a shell's position between prompts (OSC 133).
type PromptState int

// The states in their usual order.
const (
	PromptUnknown PromptState = iota // not reported
	PromptShown                      // 133;A: the prompt is being drawn
	PromptInput                      // 133;B: the user types
	PromptRunning                    // 133;C: a command runs
	PromptDone                       // 133;D: the command has ended
)

// Prompt is the state reported by OSC 133.
type Prompt struct {
	State PromptState
	Exit  int // of the last command, -1 if not reported
}

// Marks returns sequences that report it.
func (p Prompt) Marks() (marks string) {
	if p.State == PromptUnknown {
		return ""
	}
	if p.Exit >= 0 {
		marks = fmt.Sprintf("\x1b]133;D;%d\a", p.Exit)
	}
	if p.State == PromptDone && marks != "" {
		return marks
	}
	return marks + "\x1b]133;" + string("ABCD"[p.State-PromptShown]) + "\a"
}

// Prompt returns the reported state.
func (s *Screen) Prompt() Prompt {
	if s.prompt.State == PromptUnknown {
		return Prompt{Exit: -1}
	}
	return s.prompt
}

// promptMark handles A, B, C, or D[;exit], possibly with further fields.
func (s *Screen) promptMark(text string) {
	mark, rest, _ := strings.Cut(text, ";")
	exit := s.Prompt().Exit
	s.signalled++
	switch mark {
	case "A":
		s.prompt = Prompt{PromptShown, exit}
	case "B":
		s.prompt = Prompt{PromptInput, exit}
	case "C":
		s.prompt = Prompt{PromptRunning, exit}
		s.signals.Starts++
		s.ClearProgress()
	case "D":
		s.prompt = Prompt{PromptDone, -1}
		s.signals.Ends++
		s.ClearProgress()
		code, _, _ := strings.Cut(rest, ";")
		if n, err := strconv.ParseUint(code, 10, 8); err == nil {
			s.prompt.Exit = int(n)
		}
	}
}
