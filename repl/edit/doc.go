// Package edit is a line editor for a terminal, with multi-line blocks, history, search, and completion.
//
// It sends the terminal no queries, so no reply can appear among the keys. It reads only while a line is edited:
// earlier input waits in the terminal, in order. [decoder] decodes keys; [layout] arranges the text as a pure function,
// and its result is drawn over the previous one.
package edit
