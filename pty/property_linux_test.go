package pty

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"convoy/internal/testkit"
)

const programEnv = "CONVOY_TEST_PROGRAM"

func init() { roles[programEnv] = runProgram }

// runProgram prints numbered lines at random speeds, with colours, until q is typed, and each byte that it reads, as
// [byte].
func runProgram() {
	seed, _ := strconv.ParseUint(os.Getenv(programEnv), 10, 64)
	random := rand.New(rand.NewPCG(seed, 1))
	mode, err := unix.IoctlGetTermios(0, unix.TCGETS)
	if err != nil {
		panic(err)
	}
	mode.Lflag &^= unix.ICANON | unix.ECHO | unix.ISIG
	if err := unix.IoctlSetTermios(0, unix.TCSETS, mode); err != nil {
		panic(err)
	}
	typed := make(chan byte)
	go func() {
		for b := make([]byte, 1); ; {
			if n, err := os.Stdin.Read(b); n != 1 || err != nil {
				panic(err)
			}
			typed <- b[0]
		}
	}()
	pause := time.NewTimer(0)
	for line, burst := 0, 0; ; {
		select {
		case b := <-typed:
			fmt.Printf("[%c]", b)
			if b == 'q' {
				os.Exit(9)
			}
		case <-pause.C:
			burst = 1 + random.IntN(1<<random.IntN(13))
			var out bytes.Buffer
			for range burst {
				fmt.Fprintf(&out, "\x1b[3%dm%d é漢\x1b[m\n", line%8, line)
				line++
			}
			os.Stdout.Write(out.Bytes())
			pause.Reset(time.Duration(random.IntN(20)) * time.Millisecond)
		}
	}
}

var (
	runs = flag.Int("runs", 3, "random runs of TestAdopt_Random")
	seed = flag.Uint64("seed", 0, "seed of its first run; 0: random")
)

// Nodes that are killed or leave at random moments, while a program prints and reads, lose and repeat nothing.
func TestAdopt_Random(t *testing.T) {
	first := *seed
	if first == 0 {
		first = rand.Uint64() >> 1
	}
	for i := range *runs {
		if !t.Run(fmt.Sprint(first+uint64(i)), func(t *testing.T) { runRandom(t, first+uint64(i)) }) {
			return
		}
	}
}

var typedByte = regexp.MustCompile(`\[(.)\]`)

func runRandom(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 2))
	k := newKeepers(t)
	config := nodeConfig{
		Scripts: map[string]string{"": fmt.Sprintf("%s=%d exec $SELF", programEnv, seed)},
		Ring:    1 << 20 << random.IntN(2),
	}
	n := k.start(config)
	p := newPage(t, n.open(""))
	testkit.Must(t, p.read(n))
	var typed strings.Builder
	doubts := 0
	for range 40 {
		switch op := random.IntN(10); {
		case op < 5:
			for range 1 + random.IntN(1<<random.IntN(8)) {
				testkit.Must(t, p.read(n))
			}
		case op < 7:
			key := byte('a' + typed.Len()%16)
			n.input(p.id, int64(typed.Len()), string(key))
			typed.WriteByte(key)
		case op < 8:
			z := Size{Rows: 1 + random.IntN(60), Cols: 2 + random.IntN(200)}
			n.must("Resize", SizeArgs{p.id, z}, new(int))
		case op < 9:
			n.kill()
			n = k.start(config)
		default:
			n = typeDuringEnd(t, k, config, n, p, &typed, random)
			doubts++
		}
	}
	n.input(p.id, int64(typed.Len()), "q")
	typed.WriteByte('q')
	for p.exit == nil {
		testkit.Must(t, p.read(n))
	}
	if *p.exit != (Exit{Code: 9}) {
		t.Errorf("ended with %+v", *p.exit)
	}
	checkRandom(t, p, typed.String(), doubts)
	p.shows(n, 50)
	n.must("Remove", p.id, new(int))
	n.kill()
}

// typeDuringEnd types a key while the node is killed, or leaves, and repeats it on the next one, as a page does.
func typeDuringEnd(t *testing.T, k *keepers, config nodeConfig, n *testNode, p *page, typed *strings.Builder,
	random *rand.Rand) *testNode {
	args := InputArgs{p.id, "typist", int64(typed.Len()), string(byte('a' + typed.Len()%16))}
	call := n.call.Go("Node.Input", args, new(int), nil)
	time.Sleep(time.Duration(random.IntN(300)) * time.Microsecond) // any moment is fine
	if random.IntN(2) == 0 {
		n.must("Leave", 0, new(int))
	}
	n.kill()
	<-call.Done
	n = k.start(config)
	n.must("Input", args, new(int))
	typed.WriteString(args.Text)
	return n
}

// checkRandom checks that every line was printed once and in order, and that every key was typed once and in order: at
// most one was lost for each node that was killed with a key in doubt.
func checkRandom(t *testing.T, p *page, typed string, doubts int) {
	t.Helper()
	var got strings.Builder
	for _, m := range typedByte.FindAllSubmatch(p.output, -1) {
		got.Write(m[1])
	}
	rest := string(typedByte.ReplaceAll(p.output, nil))
	for line := 0; rest != ""; line++ {
		want := fmt.Sprintf("\x1b[3%dm%d é漢\x1b[m\r\n", line%8, line)
		after, ok := strings.CutPrefix(rest, want)
		if !ok {
			t.Fatalf("line %d is %.60q", line, rest)
		}
		rest = after
	}
	lost := 0
	for seen := got.String(); typed != ""; typed = typed[1:] {
		if seen != "" && seen[0] == typed[0] {
			seen = seen[1:]
		} else {
			lost++
		}
		if len(typed) == 1 && seen != "" {
			t.Errorf("typed too much: %q", seen)
		}
	}
	if lost > doubts {
		t.Errorf("%d keys are lost, at most %d were in doubt; the program read %q", lost, doubts, got.String())
	}
	if lost > 0 {
		t.Logf("%d keys in doubt were lost", lost)
	}
}
