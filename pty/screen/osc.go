package screen

import (
	"net/url"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// dirBytes bounds what OSC 7 may say.
const dirBytes = 4096

// osc acts on an operating system command.
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
	case 10, 11, 12:
		s.specialColours(id, text)
	case 104:
		s.restoreColours(text)
	case 110, 111, 112:
		delete(s.colours, id-110+Foreground)
	case 133:
		s.promptMark(text)
	}
}

// setDir takes file://host/path (OSC 7 as VTE and Terminal.app define it). The
// host is not looked at. An empty text forgets the directory; anything that is
// not an absolute path of printable characters is ignored.
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

// hyperlink takes OSC 8 ; key=value:… ; URI. An empty URI without keys ends the
// link.
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
		p.ext.link = s.exts.open(linkID(keys), uri, s.mark)
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

// PromptState is where a shell is between its prompts (OSC 133).
type PromptState int

// The states, in the order in which a shell goes through them.
const (
	PromptUnknown PromptState = iota // the shell does not say
	PromptShown                      // 133;A: it draws its prompt
	PromptInput                      // 133;B: the user types
	PromptRunning                    // 133;C: a command runs
	PromptDone                       // 133;D: it has ended
)

// Prompt is what the shell has told by OSC 133.
type Prompt struct {
	State PromptState
	Exit  int // of the command that ended last, -1: not told
}

// Prompt returns where the shell is.
func (s *Screen) Prompt() Prompt {
	if s.prompt.State == PromptUnknown {
		return Prompt{Exit: -1}
	}
	return s.prompt
}

// promptMark takes A, B, C or D[;exit], each perhaps with further fields.
func (s *Screen) promptMark(text string) {
	mark, rest, _ := strings.Cut(text, ";")
	exit := s.Prompt().Exit
	switch mark {
	case "A":
		s.prompt = Prompt{PromptShown, exit}
	case "B":
		s.prompt = Prompt{PromptInput, exit}
	case "C":
		s.prompt = Prompt{PromptRunning, exit}
	case "D":
		s.prompt = Prompt{PromptDone, -1}
		code, _, _ := strings.Cut(rest, ";")
		if n, err := strconv.ParseUint(code, 10, 8); err == nil {
			s.prompt.Exit = int(n)
		}
	}
}
