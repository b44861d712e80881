package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// connect returns two connected ends that serve until the test ends.
func connect(t *testing.T, left, right Handler) (*Conn, *Conn) {
	t.Helper()
	one, two := net.Pipe()
	a, b := New(one, left), New(two, right)
	var serving sync.WaitGroup
	for _, c := range []*Conn{a, b} {
		serving.Go(func() { c.Serve(context.Background()) }) //nolint:errcheck // the tests check calls
	}
	t.Cleanup(func() {
		a.Close()
		b.Close()
		serving.Wait()
	})
	return a, b
}

func nothing(context.Context, string, []json.RawMessage) (any, error) {
	return nil, errors.New("not supported")
}

func TestCall_BothWaysAndNested(t *testing.T) {
	t.Parallel()
	var a, b *Conn
	ready := make(chan struct{})
	a, b = connect(t,
		func(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
			return fmt.Sprintf("%s of %s", fn, args), nil
		},
		func(ctx context.Context, fn string, args []json.RawMessage) (any, error) {
			<-ready
			if fn == "fails" {
				return nil, errors.New("as it should")
			}
			return b.Call(ctx, fn, "back") // calls the caller
		})
	close(ready)
	got, err := a.Call(t.Context(), "f", 1, "two")
	if err != nil || string(got) != `"f of [\"back\"]"` {
		t.Errorf("Call = %s, %v", got, err)
	}
	if _, err := a.Call(t.Context(), "fails"); err == nil || err.Error() != "as it should" {
		t.Errorf("error is %v", err)
	}
}

func TestCall_ManyAtOnce(t *testing.T) {
	t.Parallel()
	a, _ := connect(
		t, nothing, func(_ context.Context, _ string, args []json.RawMessage) (any, error) { return args[0], nil },
	)
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Go(func() {
			got, err := a.Call(t.Context(), "echo", i)
			if err != nil && strings.Contains(err.Error(), "more than 64") {
				return
			}
			if err != nil || string(got) != fmt.Sprint(i) {
				t.Errorf("call %d: %s, %v", i, got, err)
			}
		})
	}
	calls.Wait()
}

func TestCall_IsCancelled(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan struct{})
	a, _ := connect(t, nothing, func(ctx context.Context, _ string, _ []json.RawMessage) (any, error) {
		close(began)
		<-ctx.Done()
		close(ended)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-began; cancel() }()
	if _, err := a.Call(ctx, "waits"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call: %v", err)
	}
	<-ended
}

// Notifications sent before an answer are handled before it arrives.
func TestNotify_ComesBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	var seen bytes.Buffer
	var b *Conn
	ready := make(chan struct{})
	a, b := connect(t,
		func(_ context.Context, _ string, args []json.RawMessage) (any, error) {
			seen.Write(args[0])
			return nil, nil
		},
		func(context.Context, string, []json.RawMessage) (any, error) {
			<-ready
			for i := range 100 {
				if err := b.Notify("out", i); err != nil {
					return nil, err
				}
			}
			return "done", nil
		})
	close(ready)
	if _, err := a.Call(t.Context(), "prints"); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(seen.String(), "9899") {
		t.Errorf("seen before the answer: %s", seen.String())
	}
}

func TestClose_EndsCalls(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	a, b := connect(t, nothing, func(ctx context.Context, _ string, _ []json.RawMessage) (any, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	})
	go func() { <-began; b.Close() }()
	if _, err := a.Call(t.Context(), "waits"); err == nil {
		t.Error("the call was answered")
	}
	late := time.After(2 * time.Minute)
	for {
		_, err := a.Call(t.Context(), "again")
		if errors.Is(err, ErrClosed) {
			return
		}
		select {
		case <-late:
			t.Fatalf("a call over a closed connection: %v", err)
		default:
		}
	}
}

func TestTooMuch(t *testing.T) {
	t.Parallel()
	a, _ := connect(t, nothing, func(_ context.Context, fn string, _ []json.RawMessage) (any, error) {
		return strings.Repeat("x", MaxMessage), nil
	})
	if _, err := a.Call(t.Context(), "much"); err == nil || !strings.Contains(err.Error(), "too much") {
		t.Errorf("too large an answer: %v", err)
	}
	if _, err := a.Call(t.Context(), "f", strings.Repeat("x", MaxMessage)); err == nil ||
		!strings.Contains(err.Error(), "too much") {
		t.Errorf("too large an argument: %v", err)
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\x00\x00\x00\x0f{\"id\":1,\"fn\":\"\"}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		in := bufio.NewReader(bytes.NewReader(wire))
		for {
			if _, err := readMessage(in); err != nil {
				return
			}
		}
	})
}
