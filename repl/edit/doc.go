// Package edit is a line editor for a terminal: blocks of several lines, history,
// search, completion.
//
// It asks the terminal nothing, so no answer can get between the keys, and it reads
// only while a line is edited: what is typed before waits in the terminal, in order.
// Keys are decoded by [decoder], the text is laid out by [layout], a pure function;
// what is on the screen is drawn over by what the layout gives.
package edit
