// Package lang is the Convoy shell's language: Starlark (its specification is
// doc/spec.md of go.starlark.net) with the fleet as its library, and nothing else:
// no files, no network, no processes, no environment.
//
// A [Session] is what one prompt or one script has defined. It runs source text and
// prints values and errors as people read them. What concerns nodes it asks of a
// [Node], in JSON. It knows no terminal and no socket.
package lang
