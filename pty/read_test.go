package pty

import (
	"bytes"
	"testing"
)

// What one read of the kernel does not hand out, more than a page, readAll takes
// in one go. It does not wait, and takes no more than there is room for.
func TestReadAllTakesWhatIsThere(t *testing.T) {
	terminal, err := openTerminal(size)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.close()
	said := bytes.Repeat([]byte("0123456789"), 600)
	if _, err := terminal.tty.Write(said); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, readBytes)
	n := terminal.readAll(buf[:5000])
	if n != 5000 {
		t.Fatalf("%d bytes read into room for 5000", n)
	}
	n += terminal.readAll(buf[n:])
	if !bytes.Equal(buf[:n], said) {
		t.Errorf("read %d bytes, %d were written", n, len(said))
	}
	if n := terminal.readAll(buf); n != 0 {
		t.Errorf("%d bytes read of nothing", n)
	}
}
