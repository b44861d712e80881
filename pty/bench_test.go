package pty

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

const (
	foxLine = "the quick brown fox jumps over the lazy dog, once more\n"
	// buildLine is a build's: a colour, and how far it is.
	buildLine = "\x1b]9;4;1;42\a\x1b[32mCC\x1b[0m drivers/net/dog.o\n"
)

// benchText is a file of lines, and its size on a terminal.
func benchText(b *testing.B, line string) (path string, n int64) {
	b.Helper()
	text := bytes.Repeat([]byte(line), 300000)
	path = filepath.Join(b.TempDir(), "text")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		b.Fatal(err)
	}
	n = int64(len(text) + bytes.Count(text, []byte("\n")))
	b.SetBytes(n)
	b.ResetTimer()
	return path, n
}

// BenchmarkFollowNothing is the upper bound: cat's output read from the bare terminal. Compare the others with it in
// one run:
//
//	go test -run - -bench Follow ./pty
func BenchmarkFollowNothing(b *testing.B) {
	path, want := benchText(b, foxLine)
	buf := make([]byte, readBytes)
	for b.Loop() {
		terminal, err := openTerminal(size)
		if err != nil {
			b.Fatal(err)
		}
		cmd := exec.Command("/bin/cat", path)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.tty, terminal.tty, terminal.tty
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for got := int64(0); got < want; {
			n, err := terminal.ptmx.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			got += int64(n)
		}
		cmd.Wait()
		terminal.close()
	}
}

// BenchmarkFollowTyping is one viewer that can type, acknowledges, and so sees everything.
func BenchmarkFollowTyping(b *testing.B) { benchFollow(b, foxLine, 1, nil) }

// BenchmarkFollowBuild is one viewer of lines that report progress, each of which the shell's state takes in.
func BenchmarkFollowBuild(b *testing.B) { benchFollow(b, buildLine, 1, nil) }

// BenchmarkFollowFour is four of them.
func BenchmarkFollowFour(b *testing.B) { benchFollow(b, foxLine, 4, nil) }

func benchFollow(b *testing.B, line string, viewers int, keeper Keeper) {
	path, want := benchText(b, line)
	for b.Loop() {
		s, err := newTable(b, Config{Programs: programs("/bin/cat", path), Keeper: keeper}).Open(size)
		if err != nil {
			b.Fatal(err)
		}
		for i := 1; i < viewers; i++ {
			watchSilently(b, s, string(rune('a'+i)))
		}
		got := int64(0)
		for event := range s.Follow(b.Context(), Viewer{ID: "typist", CanType: true}, 0) {
			got += int64(len(event.Bytes))
			s.Ack("typist", event.Off+int64(len(event.Bytes)))
		}
		if got != want {
			b.Fatalf("saw %d bytes, want %d", got, want)
		}
	}
}

// BenchmarkEcho is the time from a key to its echo.
func BenchmarkEcho(b *testing.B) { benchEcho(b, nil) }

func benchEcho(b *testing.B, keeper Keeper) {
	table := newTable(b, Config{Programs: programs("/bin/sh", "-c", rawCat), Keeper: keeper})
	s, err := table.Open(size)
	if err != nil {
		b.Fatal(err)
	}
	watch(b, s, options{name: "sees ready"}).see("ready\n")
	next, stop := iter.Pull(s.Follow(b.Context(), Viewer{ID: "typist", CanType: true}, FromScreen))
	defer stop()
	n := int64(0)
	for b.Loop() {
		if err := s.Input(b.Context(), "typist", n, []byte("x")); err != nil {
			b.Fatal(err)
		}
		n++
		for e, _ := next(); e.Kind != Output; e, _ = next() {
		}
		s.Ack("typist", int64(len("ready\n"))+n)
	}
}

// watchSilently follows and acknowledges until the shell ends.
func watchSilently(b *testing.B, s *Shell, name string) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for event := range s.Follow(b.Context(), Viewer{ID: name}, 0) {
			s.Ack(name, event.Off+int64(len(event.Bytes)))
		}
	}()
	b.Cleanup(func() { <-ended })
}

// BenchmarkCrowdArrives attaches a thousand viewers to one shell, until each has seen them all.
func BenchmarkCrowdArrives(b *testing.B) {
	const crowd = 1000
	for b.Loop() {
		s := open(b, "/bin/cat")
		ctx, cancel := context.WithCancel(b.Context())
		var all, here sync.WaitGroup
		for i := range crowd {
			here.Add(1)
			all.Go(func() {
				heard := false
				for event := range s.Follow(ctx, Viewer{ID: fmt.Sprintf("viewer-%012d", i), CanType: true}, FromScreen) {
					if !heard && event.Presence.Count == crowd {
						heard = true
						here.Done()
					}
				}
			})
		}
		here.Wait()
		cancel()
		all.Wait()
	}
}
