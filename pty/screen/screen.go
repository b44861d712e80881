package screen

// The minimum size of a screen; New and Resize raise smaller ones to it. A wide character needs two columns.
const (
	minRows = 1
	minCols = 2
)

// Screen is a terminal's screen. It is not safe for concurrent use.
type Screen struct {
	// Replies is called within Write with each reply to a query of the program. It may keep the bytes, and must not
	// call the Screen. If it is nil, queries get no reply.
	Replies func([]byte)

	rows, cols  int
	normal, alt buffer
	buf         *buffer // one of the two

	pen     pen
	ink     cell // blank, with the pen's attributes
	exts    extTable
	modes   Modes
	hidden  bool // the cursor
	g       [4]*charset
	level   int      // the invoked element of g
	charset *charset // in use; after DECRC not always g[level]

	work   int // see Work
	p      parser
	inRun  bool  // the last character was printed
	joined uint8 // see joinWidth1

	title     string
	dir       string
	prompt    Prompt
	signals   Signals
	signalled int
	pending   desktopNote
	colours   map[int]RGB // set by OSC 4, 10, 11, 12
}

// New returns a blank screen that keeps up to scrollback rows of history. They are allocated on demand; a row takes
// about as many bytes as its text, and all rows at most 8 MiB.
func New(rows, cols, scrollback int) *Screen {
	s := &Screen{rows: max(rows, minRows), cols: max(cols, minCols)}
	s.normal.exts, s.alt.exts = &s.exts, &s.exts
	s.normal.lines.work, s.alt.lines.work = &s.work, &s.work
	s.normal.reset(s.rows, s.cols, max(scrollback, 0))
	s.p.oscID = -1
	s.reset()
	return s
}

// reset is RIS. It keeps title, cursor visibility, modes 12 and 20, and colours, as xterm.js does.
func (s *Screen) reset() {
	s.normal.restart()
	s.alt.reset(s.rows, s.cols, -1)
	s.buf = &s.normal
	s.setPen(pen{})
	s.g, s.level, s.charset = [4]*charset{}, 0, nil
	s.modes = Modes{Wrap: true, NewLine: s.modes.NewLine, Blink: s.modes.Blink}
	s.p.params.reset()
	s.p.collect, s.p.oscPart = 0, oscNone
	s.joined = 0
	s.signals.Progress = Progress{}
}

// softReset is DECSTR.
func (s *Screen) softReset() {
	b := s.buf
	s.hidden = false
	b.top, b.bottom = 0, s.rows-1
	s.setPen(pen{})
	m := Modes{Wrap: true, NewLine: s.modes.NewLine, Blink: s.modes.Blink}
	m.Mouse, m.MouseEncoding = s.modes.Mouse, s.modes.MouseEncoding
	s.modes = m
	s.g, s.level, s.charset = [4]*charset{}, 0, nil
	b.saved = saved{row: b.base}
}

// Work counts the cells that were written, moved, or inspected, about a nanosecond each, beyond a constant cost per
// byte. It only grows.
func (s *Screen) Work() int { return s.work }

// Cursor returns the cursor's 0-based position on the screen. col is cols, one too far, while a wrap is pending.
func (s *Screen) Cursor() (row, col int, visible bool) {
	return s.buf.row, min(s.buf.col, s.cols), !s.hidden
}

// Title is the last title from OSC 0 or 2: any text up to 64 KiB without C0 and C1 controls.
func (s *Screen) Title() string { return s.title }

// Dir is the last working directory from OSC 7: an absolute, clean path, or "".
func (s *Screen) Dir() string { return s.dir }

// Modes returns the current modes.
func (s *Screen) Modes() Modes {
	m := s.modes
	m.Alternate = s.buf == &s.alt
	return m
}
