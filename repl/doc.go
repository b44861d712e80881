// Package repl is the Convoy shell: a prompt for the whole fleet that has no files,
// no network and no processes.
//
// It runs as two processes beside the node. The keeper ([Prompt], [Script], [Eval])
// owns the terminal and the way to the node. The evaluator ([Evaluate]) runs what
// was typed, locked down as far as the kernel can: it has one descriptor, by which
// it speaks with the keeper. An evaluator that runs out of memory, or does not stop
// when it is told to, is replaced, and what was defined is defined again. Package
// lang is the language, package wire the way between the processes.
package repl
