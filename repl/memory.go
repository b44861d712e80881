//go:build !race

package repl

// dataBytes bounds the memory of an evaluator. Go's runtime does not start with less
// than about 100 MiB of it.
const dataBytes = 256 << 20
