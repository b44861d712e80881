//go:build !race

package repl

// dataBytes limits a sandbox's memory. Go's runtime needs about 100 MiB to start.
const dataBytes = 256 << 20
