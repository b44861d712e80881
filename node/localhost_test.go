package node

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"testing"
)

// A console on localhost answers on both loopback addresses, so that no other program gets what is sent to localhost.
func TestListen_Localhost(t *testing.T) {
	listeners, err := listen("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "hello") //nolint:errcheck // the client checks
	})}
	for _, l := range listeners {
		go server.Serve(l) //nolint:errcheck // ends with Close
	}
	defer server.Close()
	port := strconv.Itoa(listeners[0].Addr().(*net.TCPAddr).Port)
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		answer, err := http.Get("http://" + net.JoinHostPort(host, port))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if l, err := net.Listen("tcp", net.JoinHostPort(host, port)); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s is free for another program: %v, %v", host, l, err)
		}
	}
}

// A port that another program has on one of them is refused.
func TestListen_LocalhostInUse(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::1"} {
		other, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		port := strconv.Itoa(other.Addr().(*net.TCPAddr).Port)
		if l, err := listen("localhost:" + port); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("in use on %s: %v, %v", host, l, err)
		}
	}
}

func TestListen_OneAddress(t *testing.T) {
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range l {
		one.Close()
	}
	if len(l) != 1 {
		t.Error("a console on 127.0.0.1 listens elsewhere, too")
	}
}
