package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// place is the temporary directory of a run: the shells' start file, the files that cat prints, the built Convoy.
type place struct {
	dir   string
	large printed // of the size that was asked for
	small printed // of smallSize at most
	pages printed // of pagesSize at most
}

// printed is a file that cat prints.
type printed struct {
	path  string
	bytes int64  // of the terminal's output
	sum   uint32 // of these
}

// smallSize is the size of the file that many viewers get at once, in bytes.
const smallSize = 8 << 20

// pagesSize is the size of the file that pages draw, in bytes.
const pagesSize = 50 << 20

// sums is the polynomial that processors know.
var sums = crc32.MakeTable(crc32.Castagnoli)

// startFile makes every shell alike: a prompt that can be waited for, and nothing that repeats it or stores keys. lines
// prints so many lines, one a second, and needs no other process for it: it waits for a pipe that nobody writes to.
const startFile = `PS1='` + prompt + `'
unset PROMPT_COMMAND HISTFILE MAILCHECK
INPUTRC=/dev/null
bind 'set enable-bracketed-paste off'
lines() { exec 3<>~/never; for ((i = 0; i < $1; i++)); do read -rt 1 -u 3; echo "line $i"; done; }
`

func newPlace(size int) (*place, error) {
	dir, err := os.MkdirTemp("", "convoy-bench-")
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir}
	if err := os.WriteFile(p.path("rc"), []byte(startFile), 0o600); err != nil {
		p.remove()
		return nil, err
	}
	if err := unix.Mkfifo(p.path("never"), 0o600); err != nil {
		p.remove()
		return nil, err
	}
	if p.large, err = p.writeFile("large", size); err == nil {
		p.small, err = p.writeFile("small", min(size, smallSize))
	}
	if err == nil {
		p.pages, err = p.writeFile("pages", min(size, pagesSize))
	}
	if err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

func (p *place) path(name string) string { return filepath.Join(p.dir, name) }

func (p *place) remove() { os.RemoveAll(p.dir) } //nolint:errcheck // a directory for temporary files

// writeFile writes a file that cat prints, lines of 79 letters that hardly compress, and sums what a terminal makes
// of it: it puts a carriage return before each newline.
func (p *place) writeFile(name string, size int) (f printed, err error) {
	f.path = p.path(name)
	file, err := os.Create(f.path)
	if err != nil {
		return f, err
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	random := rand.New(rand.NewPCG(1, 2))
	line, bits := make([]byte, 81), uint64(0)
	for written := 0; written < size; {
		for i := range 79 {
			if i%8 == 0 {
				bits = random.Uint64()
			}
			line[i], bits = '0'+byte(bits&63), bits>>8
		}
		n := min(79, size-written-1)
		line[n] = '\n'
		out.Write(line[:n+1]) //nolint:errcheck // Flush says it
		copy(line[n:], "\r\n")
		f.sum = crc32.Update(f.sum, sums, line[:n+2])
		f.bytes += int64(n + 2)
		written += n + 1
	}
	return f, out.Flush()
}

// command is the shell that every way runs.
func (p *place) command() []string { return []string{"bash", "--noprofile", "--rcfile", p.path("rc")} }

// env is what Convoy, ttyd and the bare shell get.
func (p *place) env() []string {
	env := []string{"HOME=" + p.dir, "TERM=xterm-256color", "LANG=C.UTF-8"}
	for _, name := range []string{"PATH", "TMPDIR"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// shell is the shell, to be started on a terminal.
func (p *place) shell() *exec.Cmd {
	command := p.command()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Dir = p.env(), p.dir
	return cmd
}

// build builds Convoy from the module that the current directory is in.
func (p *place) build(ctx context.Context) (string, error) {
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-ldflags=-s -w", "-o", p.path("convoy"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build convoy: %w\n%s", err, bytes.TrimSpace(out))
	}
	return p.path("convoy"), nil
}
