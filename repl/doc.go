// Package repl is the Convoy shell: a prompt for the whole fleet without files, network, or processes.
//
// It runs as two processes. The supervisor ([Prompt], [Script], [Eval]) owns the terminal and the connection to the
// node. The sandbox ([RunSandbox]) evaluates input with every restriction that the kernel offers; its only open
// connection leads to the supervisor. If it runs out of memory or ignores an interrupt, the supervisor replaces it and
// restores its definitions. Package lang is the language, package wire the protocol between the processes.
package repl
