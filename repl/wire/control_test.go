package wire

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"convoy/internal/testkit"
)

// controlPair returns the ends of a control socket, the program's as a connection.
func controlPair(t *testing.T, label string) (ours *os.File, theirs *net.UnixConn) {
	t.Helper()
	ours, file, err := ControlPair(label)
	testkit.Must(t, err)
	defer file.Close()
	conn, err := net.FileConn(file)
	testkit.Must(t, err)
	t.Cleanup(func() { ours.Close(); conn.Close() })
	return ours, conn.(*net.UnixConn)
}

// Each connection that the node's end offers arrives, and the label stays, until nobody holds the node's end.
func TestControl_PassesConnections(t *testing.T) {
	t.Parallel()
	ours, theirs := controlPair(t, "shell-one")
	for _, text := range []string{"first", "second"} {
		here, err := Offer(ours)
		testkit.Must(t, err)
		there, err := Accept(theirs)
		testkit.Must(t, err)
		_, err = io.WriteString(here, text)
		testkit.Must(t, err)
		testkit.Must(t, here.Close())
		if got, err := io.ReadAll(there); err != nil || string(got) != text {
			t.Errorf("over the connection come %q, %v, want %q", got, err, text)
		}
		testkit.Must(t, there.Close())
		if label, err := Label(ours); err != nil || label != "shell-one" {
			t.Errorf("Label = %q, %v", label, err)
		}
	}
	testkit.Must(t, ours.Close())
	if _, err := Accept(theirs); err == nil {
		t.Error("a connection came from nobody")
	}
}

// A program cannot change the label, and what is no connection ends the wait for one.
func TestControl_Forged(t *testing.T) {
	t.Parallel()
	ours, theirs := controlPair(t, "shell-one")
	_, err := io.WriteString(theirs, "shell-two\n")
	testkit.Must(t, err)
	if label, err := Label(ours); err != nil || label != "shell-one" {
		t.Errorf("Label = %q, %v", label, err)
	}
	_, err = ours.WriteString("x")
	testkit.Must(t, err)
	if _, err := Accept(theirs); err == nil {
		t.Error("a byte alone is a connection")
	}
	if _, _, err := ControlPair(strings.Repeat("x", maxLabel)); err == nil {
		t.Error("too long a label is accepted")
	}
	one, two, err := socketPair()
	testkit.Must(t, err)
	defer one.Close()
	if _, err := Label(one); err == nil {
		t.Error("a socket without a label has one")
	}
	testkit.Must(t, two.Close())
	if _, err := Offer(one); err == nil {
		t.Error("a program that is gone took a connection")
	}
}
