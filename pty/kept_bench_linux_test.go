package pty

import (
	"context"
	"syscall"
	"testing"
)

// noKeeper keeps nothing: what is measured is the journal.
type noKeeper struct{}

func (noKeeper) Keep(Kept) error { return nil }

func (noKeeper) Drop(string) {}

func (noKeeper) Wait(context.Context, int) (syscall.WaitStatus, error) { return 0, syscall.ECHILD }

// BenchmarkFollowKept is BenchmarkFollowTyping with a journal. Compare both, interleaved:
//
//	go test -run - -bench 'Follow(Kept|Typing)|Echo' -count 10 ./pty
func BenchmarkFollowKept(b *testing.B) { benchFollow(b, foxLine, 1, noKeeper{}) }

func BenchmarkEchoKept(b *testing.B) { benchEcho(b, noKeeper{}) }
