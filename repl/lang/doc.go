// Package lang is the Convoy shell's language: Starlark (go.starlark.net, doc/spec.md) with the fleet as its library
// and without files, network, processes, or environment.
//
// A [Session] holds the definitions of one prompt or script. It runs source and formats values and errors for people.
// It reaches nodes through a [Node], in JSON, and uses neither a terminal nor a socket.
package lang
