package screen

// The states and actions of Paul Williams's parser for DEC's ANSI-compatible terminals (vt100.net/emu/dec_ansi_parser),
// as modified by xterm.js: OSC, SOS, PM, and APC strings may also end with BEL or be interrupted by C1 controls, a
// string ended by ESC continues in state escape, and printable characters above 0x9f (all in column 0xa0 of the table)
// end most sequences.
const (
	ground = iota
	escape
	escapeIntermediate
	csiEntry
	csiParam
	csiIntermediate
	csiIgnore
	sosPmApcString
	oscString
	dcsEntry
	dcsParam
	dcsIgnore
	dcsIntermediate
	dcsPassthrough
	states
)

const (
	doIgnore = iota
	doError
	doPrint
	doExecute
	doOSCStart
	doOSCPut
	doOSCEnd
	doCSI
	doParam
	doCollect
	doESC
	doClear
	doHook
	doPut
	doUnhook
)

// beyondC1 represents all characters from U+00A0.
const beyondC1 = 0xa0

// transitions contains action<<4 | next state for each state and character.
var transitions = func() (t [states][256]uint8) {
	for i := range t {
		for c := range t[i] {
			t[i][c] = doError << 4 // and back to ground, which is 0
		}
	}
	for _, r := range transitionRules {
		from, to := r.state, r.state
		if r.state == states {
			from, to = 0, states-1
		}
		for st := from; st <= to; st++ {
			for i := 0; i < len(r.chars); i += 2 {
				for c := int(r.chars[i]); c <= int(r.chars[i+1]); c++ {
					t[st][c] = uint8(r.action<<4 | r.next)
				}
			}
		}
	}
	return t
}()

// Character ranges: pairs of first and last.
const (
	printables  = "\x20\x7e"
	executables = "\x00\x17\x19\x19\x1c\x1f"
	parameters  = "\x30\x3b"
	prefixes    = "\x3c\x3f"
	intermeds   = "\x20\x2f"
	finals      = "\x40\x7e"
	del         = "\x7f\x7f"
	others      = "\xa0\xa0" // beyondC1
)

// transitionRules fill the table; later ones win. State states means all.
var transitionRules = []struct {
	state  int
	chars  string
	action int
	next   int
}{
	{ground, printables, doPrint, ground},

	{states, "\x18\x18\x1a\x1a\x80\x97\x99\x9a", doExecute, ground},
	{states, "\x9c\x9c", doIgnore, ground},
	{states, "\x1b\x1b", doClear, escape},
	{states, "\x9d\x9d", doOSCStart, oscString},
	{states, "\x98\x98\x9e\x9f", doIgnore, sosPmApcString},
	{states, "\x9b\x9b", doClear, csiEntry},
	{states, "\x90\x90", doClear, dcsEntry},

	{ground, executables, doExecute, ground},
	{escape, executables, doExecute, escape},
	{escape, del, doIgnore, escape},
	{oscString, executables, doIgnore, oscString},
	{csiEntry, executables, doExecute, csiEntry},
	{csiEntry, del, doIgnore, csiEntry},
	{csiParam, executables, doExecute, csiParam},
	{csiParam, del, doIgnore, csiParam},
	{csiIgnore, executables, doExecute, csiIgnore},
	{csiIntermediate, executables, doExecute, csiIntermediate},
	{csiIntermediate, del, doIgnore, csiIntermediate},
	{escapeIntermediate, executables, doExecute, escapeIntermediate},
	{escapeIntermediate, del, doIgnore, escapeIntermediate},

	{escape, "\x5d\x5d", doOSCStart, oscString},
	{oscString, printables + del, doOSCPut, oscString},
	{oscString, "\x9c\x9c\x1b\x1b\x18\x18\x1a\x1a\x07\x07", doOSCEnd, ground},

	{escape, "\x58\x58\x5e\x5f", doIgnore, sosPmApcString},
	{sosPmApcString, printables + executables + del, doIgnore, sosPmApcString},
	{sosPmApcString, "\x9c\x9c", doIgnore, ground},

	{escape, "\x5b\x5b", doClear, csiEntry},
	{csiEntry, finals, doCSI, ground},
	{csiEntry, parameters, doParam, csiParam},
	{csiEntry, prefixes, doCollect, csiParam},
	{csiEntry, intermeds, doCollect, csiIntermediate},
	{csiParam, parameters, doParam, csiParam},
	{csiParam, finals, doCSI, ground},
	{csiParam, prefixes, doIgnore, csiIgnore},
	{csiParam, intermeds, doCollect, csiIntermediate},
	{csiIgnore, "\x20\x3f" + del, doIgnore, csiIgnore},
	{csiIgnore, finals, doIgnore, ground},
	{csiIntermediate, intermeds, doCollect, csiIntermediate},
	{csiIntermediate, "\x30\x3f", doIgnore, csiIgnore},
	{csiIntermediate, finals, doCSI, ground},

	{escape, intermeds, doCollect, escapeIntermediate},
	{escapeIntermediate, intermeds, doCollect, escapeIntermediate},
	{escapeIntermediate, "\x30\x7e", doESC, ground},
	{escape, "\x30\x4f\x51\x57\x59\x5a\x5c\x5c\x60\x7e", doESC, ground},

	{escape, "\x50\x50", doClear, dcsEntry},
	{dcsEntry, executables + del, doIgnore, dcsEntry},
	{dcsEntry, intermeds, doCollect, dcsIntermediate},
	{dcsEntry, parameters, doParam, dcsParam},
	{dcsEntry, prefixes, doCollect, dcsParam},
	{dcsIgnore, executables + "\x20\x7f", doIgnore, dcsIgnore},
	{dcsParam, executables + del, doIgnore, dcsParam},
	{dcsParam, parameters, doParam, dcsParam},
	{dcsParam, prefixes, doIgnore, dcsIgnore},
	{dcsParam, intermeds, doCollect, dcsIntermediate},
	{dcsIntermediate, executables + del, doIgnore, dcsIntermediate},
	{dcsIntermediate, intermeds, doCollect, dcsIntermediate},
	{dcsIntermediate, "\x30\x3f", doIgnore, dcsIgnore},
	{dcsIntermediate, finals, doHook, dcsPassthrough},
	{dcsParam, finals, doHook, dcsPassthrough},
	{dcsEntry, finals, doHook, dcsPassthrough},
	{dcsPassthrough, executables + printables, doPut, dcsPassthrough},
	{dcsPassthrough, del, doIgnore, dcsPassthrough},
	{dcsPassthrough, "\x1b\x1b\x9c\x9c\x18\x18\x1a\x1a", doUnhook, ground},

	{ground, others, doPrint, ground},
	{oscString, others, doOSCPut, oscString},
	{csiIgnore, others, doIgnore, csiIgnore},
	{dcsIgnore, others, doIgnore, dcsIgnore},
	{dcsPassthrough, others, doPut, dcsPassthrough},
}
