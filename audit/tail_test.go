package audit

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

func TestTail(t *testing.T) {
	cfg := config(newDir(t))
	cfg.MaxBytes = 4 << 10
	l := openLog(t, cfg)
	list := add(t, l, 60)
	slices.Reverse(list)
	for _, n := range []int{-1, 0, 1, 7, 15, 59, 60, 1000} {
		if got := l.Tail(n, nil); !slices.Equal(got, list[:max(0, min(n, 60))]) {
			t.Errorf("the last %d: %+v", n, got)
		}
	}
	odd := func(e Entry) bool { return e.Seq%2 == 1 }
	if got := l.Tail(10, odd); len(got) != 10 || got[0].Seq != 59 || got[9].Seq != 41 {
		t.Errorf("every other one: %+v", got)
	}
	if got := l.Tail(10, func(Entry) bool { return false }); len(got) != 0 {
		t.Errorf("none: %+v", got)
	}
}

// TestTailReadsNoMoreThanItNeeds makes the oldest file unreadable, which matters only when it is needed.
func TestTailReadsNoMoreThanItNeeds(t *testing.T) {
	dir, _ := writtenLog(t, 60)
	testkit.Must(t, os.Remove(names(t, dir)[0]))
	testkit.Must(t, os.Mkdir(dir+"/sub", 0o700))
	for i, path := range names(t, dir)[:3] {
		testkit.Must(t, os.WriteFile(path, []byte(strings.Repeat("x\n", i)), 0o600))
	}
	list, err := Tail(dir, 12, nil)
	if err != nil || len(list) != 12 || list[0].Seq != 60 {
		t.Errorf("%d entries, %v", len(list), err)
	}
	if list, err = Tail(dir, 1000, nil); err != nil || len(list) >= 49 || len(list) < 12 {
		t.Errorf("%d entries, %v: lines that are none are passed over", len(list), err)
	}
}

func TestBackward(t *testing.T) {
	for _, sizes := range [][]int{{}, {0}, {1}, {10, 0, 0, 5}, {blockBytes}, {blockBytes - 1}, {blockBytes - 2, 3},
		{blockBytes, blockBytes - 1, 1}, {100, 3 * blockBytes, 100}} {
		for _, rest := range []string{"", "rest", strings.Repeat("r", 2*blockBytes)} {
			var file bytes.Buffer
			var want []string
			for i, n := range sizes {
				line := strings.Repeat(string(rune('a'+i)), n)
				fmt.Fprintln(&file, line)
				want = append(want, line)
			}
			slices.Reverse(want)
			size := int64(file.Len() + len(rest))
			file.WriteString(rest)
			i := 0
			for line, err := range backward(bytes.NewReader(file.Bytes()), size) {
				testkit.Must(t, err)
				same := string(line) == want[i] ||
					len(want[i]) > maxLine && len(line) > maxLine && strings.HasPrefix(want[i], string(line[:maxLine]))
				if !same {
					t.Errorf("%v: line %d from the end has %d bytes, want %d", sizes, i, len(line), len(want[i]))
				}
				i++
			}
			if i != len(want) {
				t.Errorf("%v: %d lines, want %d", sizes, i, len(want))
			}
		}
	}
	if _, err := firstOf(backward(bytes.NewReader([]byte("a\nb\n")), 10)); err == nil {
		t.Error("a file that got shorter has no error")
	}
}

func firstOf(lines func(func([]byte, error) bool)) (line []byte, err error) {
	for line, err = range lines {
		break
	}
	return line, err
}
