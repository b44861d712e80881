package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"convoy/internal/testkit"
)

// appendForever is a process that appends from several goroutines, and prints the number of each entry when it is
// safely on disk.
func appendForever(dir string) {
	l, err := Open(Config{Dir: dir, MaxBytes: 8 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for n := 0; ; n++ {
				e, err := l.Append(entry(n))
				if err != nil {
					fmt.Fprintln(os.Stderr, i, err)
					os.Exit(1)
				}
				fmt.Println(e.Seq, e.Hash)
			}
		})
	}
	group.Wait()
}

// TestKilled kills an appending process repeatedly at random moments: every entry that it reported as safe is there.
func TestKilled(t *testing.T) {
	dir := newDir(t)
	acked := map[uint64]string{}
	for range 30 {
		killOnce(t, dir, acked, 1+rand.IntN(60))
	}
	l := openLog(t, Config{Dir: dir})
	head := l.Head()
	r := verified(t, dir, head)
	if !r.Sound() || r.Entries != int(head.Seq) {
		t.Fatalf("%v", r)
	}
	for _, e := range all(t, dir) {
		if hash, ok := acked[e.Seq]; ok && hash != e.Hash {
			t.Errorf("entry %d is another one than that which was acknowledged", e.Seq)
		}
		delete(acked, e.Seq)
	}
	if len(acked) > 0 {
		t.Errorf("acknowledged, and lost: %v", acked)
	}
	t.Logf("%v; found after the kills: %v", r, actions(t, dir))
}

// killOnce kills a process after a number of acknowledgements, and adds all that it printed to acked.
func killOnce(t *testing.T, dir string, acked map[uint64]string, after int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "AUDIT_APPENDS="+dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	testkit.Must(t, err)
	testkit.Must(t, cmd.Start())
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // what follows the last newline does not count
		}
		testkit.Must(t, err)
		number, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		seq, err := strconv.ParseUint(number, 10, 64)
		testkit.Must(t, err)
		if acked[seq] != "" {
			t.Fatalf("entry %d was acknowledged twice", seq)
		}
		acked[seq] = hash
		if n == after {
			testkit.Must(t, cmd.Process.Kill())
		}
	}
	cmd.Wait() //nolint:errcheck // it was killed
	if said.Len() > 0 {
		t.Fatalf("the process printed: %s", said.String())
	}
}

// fillDisk is a process whose files have a size limit, as on a full disk, until it is raised.
func fillDisk(dir string) {
	if err := writeToLimit(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func writeToLimit(dir string) error {
	const limit = 10_000
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ) // so that a write beyond the limit is short, and the next one fails
	l, err := Open(Config{Dir: dir})
	if err != nil {
		return err
	}
	for range 3 {
		if err := syscall.Setrlimit(
			syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(l.size) + limit, Max: was.Max},
		); err != nil {
			return err
		}
		if err := fillUp(l); err != nil {
			return err
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			return err
		}
		if _, err := l.Append(entry(0)); err != nil {
			return fmt.Errorf("with room again: %w", err)
		}
	}
	return l.Close()
}

// fillUp appends until the disk is full, and a few times more.
func fillUp(l *Log) error {
	for {
		before := l.Head()
		e, err := l.Append(entry(0))
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.EFBIG) || e != (Entry{}) || l.Head() != before {
			return fmt.Errorf("without room: %w, %+v, head %v and then %v", err, e, before, l.Head())
		}
		if info, err := l.file.Stat(); err != nil || info.Size() != l.size {
			return fmt.Errorf("half a line is left, %w", err)
		}
		_, err = l.Append(entry(0))
		if !errors.Is(err, syscall.EFBIG) {
			return fmt.Errorf("without room, again: %w", err)
		}
		return nil
	}
}

func TestFullDisk(t *testing.T) {
	dir := newDir(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "AUDIT_FULL_DISK="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := verified(t, dir)
	// each of the three times two entries were lost, which the next one follows
	want := []string{Lost, Lost, Lost}
	if !r.Sound() || r.Entries < 60 || r.Lost != 6 || !slices.Equal(actions(t, dir), want) ||
		!strings.Contains(r.String(), "6 actions could not be written") {
		t.Errorf("%v, %v", r, actions(t, dir))
	}
	for _, e := range all(t, dir) {
		if e.Action == Lost && (e.Result != Failed || !strings.HasPrefix(e.Detail, "2 from 20") ||
			!strings.HasSuffix(e.Detail, ": file too large")) {
			t.Errorf("recorded as %+v", e)
		}
	}
}
