package cast

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"convoy/internal/testkit"
)

const firstID = "20261125-101502-k3fz9abcde"

func TestRecordingIsListedAndRead(t *testing.T) {
	d := newDir(t, 1<<20)
	if list, err := d.List(); err != nil || len(list) != 0 {
		t.Errorf("before the first: %v, %v", list, err)
	}
	f := begin(t, d, 0)
	testkit.Must(t, f.Output(after(1000), []byte("hello")))
	testkit.Must(t, f.Flush())
	if s := one(t, d, f.ID()); s.ID != firstID || s.State != Recording || s.Header != header() || s.Bytes == 0 ||
		s.Reason != "" {
		t.Errorf("while it is written: %+v", s)
	}
	if err := d.Remove(f.ID()); !errors.Is(err, ErrRecording) {
		t.Errorf("remove while it is written: %v", err)
	}
	s, err := f.End(after(1500), "stopped by admin")
	testkit.Must(t, err)
	if s.State != Finished || s.Duration != 1500*time.Millisecond || s.Reason != "stopped by admin" {
		t.Errorf("at its end: %+v", s)
	}
	if again := one(t, d, f.ID()); again != s {
		t.Errorf("listed as %+v, ended as %+v", again, s)
	}
	in, err := d.Open(f.ID())
	testkit.Must(t, err)
	defer in.Close()
	if got := output(t, in); got != "hello" {
		t.Errorf("read %q", got)
	}
	for name, want := range map[string]os.FileMode{d.Path: 0o700, path(d, f.ID()): 0o600} {
		info, err := os.Stat(name)
		testkit.Must(t, err)
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	testkit.Must(t, d.Remove(f.ID()))
	if err := d.Remove(f.ID()); !errors.Is(err, ErrNotFound) {
		t.Errorf("remove again: %v", err)
	}
}

func TestSameSecond(t *testing.T) {
	d := newDir(t, 1<<20)
	if a, b := begin(t, d, 0), begin(t, d, 0); a.ID() != firstID || b.ID() != firstID+"-2" {
		t.Errorf("ids %q and %q", a.ID(), b.ID())
	}
	h := header()
	h.Shell = "../../evil"
	if _, err := d.Create(h); err == nil {
		t.Error("a recording of that shell was made")
	}
}

func TestOnlyIDsAreFound(t *testing.T) {
	d := newDir(t, 1<<20)
	begin(t, d, 0)
	outside := t.TempDir() + "/secret"
	testkit.Must(t, os.WriteFile(outside, []byte("secret"), 0o600))
	const linked = "20261125-101503-linked"
	testkit.Must(t, os.Symlink(outside, path(d, linked)))
	testkit.Must(t, os.Mkdir(path(d, "20261125-101504-folder"), 0o700))
	testkit.Must(t, os.WriteFile(d.Path+"/notes.txt", nil, 0o600))
	for _, id := range []string{"", ".", "..", "../secret", "notes.txt", firstID + ".cast", firstID + "/../" + firstID,
		"/" + firstID, firstID + "\x00", firstID + "\n",
		"20261125-101502-K3FZ", "20261125-101502-", linked, "20261125-101504-folder", "20261125-101505-nosuch"} {
		if _, err := d.Open(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("open %q: %v", id, err)
		}
		if err := d.Remove(id); !errors.Is(err, ErrNotFound) {
			t.Errorf("remove %q: %v", id, err)
		}
	}
	if list, err := d.List(); err != nil || len(list) != 1 {
		t.Errorf("listed: %+v, %v", list, err)
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

func TestOldestMakeRoom(t *testing.T) {
	const room = 64 << 10
	d := newDir(t, room)
	var ids []string
	for i := range 10 {
		f := begin(t, d, i)
		testkit.Must(t, f.Output(began, []byte(strings.Repeat("x", room/6))))
		_, err := f.End(after(0), "")
		testkit.Must(t, err)
		ids = append(ids, f.ID())
	}
	list, err := d.List()
	testkit.Must(t, err)
	total := int64(0)
	for i, s := range list {
		total += s.Bytes
		if want := ids[len(ids)-1-i]; s.ID != want {
			t.Errorf("recording %d is %s, want %s: the newest are kept, and listed first", i, s.ID, want)
		}
	}
	if total > room+room/6+1024 || len(list) < 4 {
		t.Errorf("%d recordings of %d bytes where there is room for %d", len(list), total, room)
	}
}

func TestTooManyMakeRoom(t *testing.T) {
	d := newDir(t, 1<<30)
	testkit.Must(t, os.MkdirAll(d.Path, 0o700))
	for i := range maxFiles + 5 {
		testkit.Must(t, os.WriteFile(path(d, fmt.Sprintf("20250101-000000-x%05d", i)), []byte("x"), 0o600))
	}
	begin(t, d, 0)
	if list, err := d.List(); err != nil || len(list) != maxFiles+1 {
		t.Errorf("%d are left, %v", len(list), err)
	}
}

// A recording that alone takes all the room ends with the reason, and stays readable.
func TestFullRecordingEnds(t *testing.T) {
	d := newDir(t, 256<<10)
	old := begin(t, d, 0)
	_, err := old.End(after(0), "")
	testkit.Must(t, err)
	f := begin(t, d, 1)
	n := 0
	for err = nil; err == nil; n++ {
		if n > 1000 {
			t.Fatal("it never ends")
		}
		err = f.Output(f.began.Add(time.Second), []byte(strings.Repeat("y", 1000)))
	}
	if !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	if _, err := d.Create(header()); !errors.Is(err, nil) {
		t.Logf("another one: %v", err) // there may be just enough room for its header
	}
	s, err := f.End(f.began.Add(2*time.Second), "the shell ended")
	if !errors.Is(err, ErrFull) || s.State != Finished || !strings.Contains(s.Reason, "full") || s.Bytes > 300<<10 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := d.Open(old.ID()); !errors.Is(err, ErrNotFound) {
		t.Errorf("the older one did not make room: %v", err)
	}
	in, err := d.Open(f.ID())
	testkit.Must(t, err)
	defer in.Close()
	if got := output(t, in); len(got) < 200<<10 || strings.Trim(got, "y") != "" {
		t.Errorf("%d bytes of it can be read", len(got))
	}
}

// A killed node leaves an incomplete line. The next reader repairs it, once.
func TestCutOffIsRepaired(t *testing.T) {
	d := newDir(t, 1<<20)
	f := begin(t, d, 0)
	testkit.Must(t, f.Output(after(2500), []byte("kept")))
	testkit.Must(t, f.Flush())
	whole := text(t, d, f.ID())
	_, err := f.file.WriteString(`[0.100, "o", "lo`)
	testkit.Must(t, err)
	f.timer.Stop()
	testkit.Must(t, f.close()) // as a kill does
	s := one(t, d, f.ID())
	if s.State != Cut || s.Duration != 2500*time.Millisecond || s.Reason == "" || s.Header != header() {
		t.Errorf("%+v", s)
	}
	mended := text(t, d, f.ID())
	if !strings.HasPrefix(mended, whole+endMark) || !strings.HasSuffix(mended, "\n") {
		t.Errorf("mended:\n%s", mended)
	}
	if again := one(t, d, f.ID()); again.State != Cut || text(t, d, f.ID()) != mended {
		t.Errorf("again: %+v", again)
	}
	testkit.Must(t, d.Remove(f.ID()))
}

// Files that are not our recordings stay unchanged.
func TestForeignFilesStay(t *testing.T) {
	d := newDir(t, 1<<20)
	testkit.Must(t, os.MkdirAll(d.Path, 0o700))
	for i, content := range []string{"", "no recording", `{"version":2,"width":80,"height":24}` + "\n[1,",
		`{"version":3,"term":{"cols":80,"rows":24}}` + "\nbroken\n[1"} {
		id := fmt.Sprintf("20250101-000000-x%d", i)
		testkit.Must(t, os.WriteFile(path(d, id), []byte(content), 0o600))
		if s := one(t, d, id); s.State != Cut {
			t.Errorf("%q: %+v", content, s)
		}
		if got := text(t, d, id); got != content {
			t.Errorf("%q became %q", content, got)
		}
	}
}

func TestDirThatCannotBe(t *testing.T) {
	file := t.TempDir() + "/file"
	testkit.Must(t, os.WriteFile(file, nil, 0o600))
	for _, d := range []Dir{{}, {Path: file + "/below", MaxBytes: 1 << 20}} {
		if err := d.Check(); err == nil {
			t.Errorf("%+v passes", d)
		}
		if _, err := d.Create(header()); err == nil {
			t.Errorf("a recording in %+v", d)
		}
	}
	if err := newDir(t, 1).Check(); err != nil {
		t.Error(err)
	}
	if _, err := (Dir{}).Create(header()); !errors.Is(err, ErrNoDir) {
		t.Error(err)
	}
}

func BenchmarkOutput(b *testing.B) {
	w, err := NewWriter(io.Discard, header())
	testkit.Must(b, err)
	line := []byte(strings.Repeat("\x1b[32mword\x1b[0m and more text\r\n", 1200)[:32<<10])
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		testkit.Must(b, w.Output(began, line))
	}
	w.End(began, "")
}

// A reader never mistakes a recording that is ending for one that was cut off.
func TestListWhileItEnds(t *testing.T) {
	d := newDir(t, 1<<20)
	for i := range 50 {
		f := begin(t, d, i)
		looked := make(chan error, 1)
		go func() {
			for {
				list, err := d.List()
				if err == nil && list[0].State == Recording {
					continue
				}
				if err == nil && list[0].State != Finished {
					err = fmt.Errorf("it is %s", list[0].State)
				}
				looked <- err
				return
			}
		}()
		_, err := f.End(f.began, "")
		testkit.Must(t, err)
		testkit.Must(t, <-looked)
	}
}

// Of concurrent removals one succeeds, and the others find nothing.
func TestRemoveAtOnce(t *testing.T) {
	d := Dir{Path: t.TempDir(), MaxBytes: 1 << 20}
	for range 50 {
		f, err := d.Create(header())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.End(time.Now(), "the test"); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error)
		for range 8 {
			go func() { errs <- d.Remove(f.ID()) }()
		}
		removed := 0
		for range 8 {
			switch err := <-errs; {
			case err == nil:
				removed++
			case !errors.Is(err, ErrNotFound):
				t.Errorf("removed meanwhile: %v", err)
			}
		}
		if removed != 1 {
			t.Errorf("%d have removed it", removed)
		}
	}
}
