package edit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxEntries limits the entries, and maxEntry the bytes of one.
	maxEntries = 1000
	maxEntry   = 64 << 10
	// A file larger than maxFile is cut to compactBytes, in bytes.
	maxFile      = 1 << 20
	compactBytes = maxFile / 2
)

// History holds earlier input, oldest first. Use it from one goroutine at a time. Several processes may share a file:
// each locks it for writing (flock(2)) through a separate lock file, which stays.
type History struct {
	entries []string
	path    string
}

// OpenHistory reads a history from a file with one JSON string per line, which it creates if needed. It skips malformed
// lines. Without a path, or if the file fails, the history is in memory only, and err says why.
func OpenHistory(path string) (h *History, err error) {
	h = &History{}
	if path == "" {
		return h, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return h, err
	}
	defer file.Close()
	h.path = path
	h.entries, err = readEntries(file)
	return h, err
}

// readEntries reads the last entries of a file.
func readEntries(file io.Reader) (entries []string, err error) {
	lines := bufio.NewReaderSize(file, 8*maxEntry) // JSON takes at most 6 bytes for one
	for {
		line, err := lines.ReadSlice('\n')
		whole := err == nil || err == io.EOF
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		var text string
		if whole && json.Unmarshal(line, &text) == nil && text != "" {
			entries = append(entries, text)
			entries = entries[max(0, len(entries)-maxEntries):]
		}
		if err == io.EOF {
			return entries, nil
		}
		if err != nil {
			return entries, err
		}
	}
}

// Add records input, unless it is empty, begins with a blank, repeats the last entry, or exceeds maxEntry.
func (h *History) Add(text string) error {
	if strings.TrimSpace(text) == "" || text[0] == ' ' || len(text) > maxEntry ||
		len(h.entries) > 0 && h.entries[len(h.entries)-1] == text {
		return nil
	}
	h.entries = append(h.entries, text)
	h.entries = h.entries[max(0, len(h.entries)-maxEntries):]
	if h.path == "" {
		return nil
	}
	lock, err := os.OpenFile(h.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close() // unlocks
	if err := flock(lock); err != nil {
		return err
	}
	file, err := os.OpenFile(h.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	line := append(encoded(text), '\n')
	if size > 0 {
		last := make([]byte, 1)
		if _, err := file.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' { // an incomplete write
			line = append([]byte("\n"), line...)
		}
	}
	if _, err := file.Write(line); err != nil || size+int64(len(line)) <= maxFile {
		return err
	}
	return h.compact(file)
}

func flock(file *os.File) error {
	for {
		if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// compact keeps only the last entries of the file, which is locked.
func (h *History) compact(file *os.File) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	entries, err := readEntries(file)
	if err != nil {
		return err
	}
	var lines [][]byte
	size := 0
	for _, text := range slices.Backward(entries) {
		line := append(encoded(text), '\n')
		if size += len(line); size > compactBytes && len(lines) > 0 {
			break
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	temporary, err := os.CreateTemp(filepath.Dir(h.path), filepath.Base(h.path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // mode 0600
	_, err = temporary.Write(bytes.Join(lines, nil))
	if err = errors.Join(err, temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), h.path)
}

func encoded(text string) []byte {
	line, _ := json.Marshal(text) //nolint:errcheck // strings always marshal
	return line
}

// find returns the nearest entry from from, in a direction, that contains text; -1 if none does.
func (h *History) find(text string, from int, back bool) int {
	step := 1
	if back {
		step = -1
	}
	for i := from; i >= 0 && i < len(h.entries); i += step {
		if strings.Contains(h.entries[i], text) {
			return i
		}
	}
	return -1
}
