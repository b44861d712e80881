package pty

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"
)

const (
	// hangUpGrace is the time between HUP and KILL.
	hangUpGrace = 2 * time.Second
	// wakePeriod is how often programs that got HUP are woken, and hangUpPeriod how often the shell's program gets it.
	wakePeriod, hangUpPeriod = 50 * time.Millisecond, 500 * time.Millisecond
	// groupPollTime is how often process groups are checked that are not our children.
	groupPollTime = 10 * time.Millisecond
)

// hangUp ends the shell: its process groups get HUP, and KILL after the grace or when ctx ends. It returns when the
// program and both goroutines have ended. It does nothing if they have already.
func (s *Shell) hangUp(ctx context.Context) error {
	select {
	case <-s.ended:
		return nil
	default:
	}
	groups := s.groups()
	signalGroups(groups, syscall.SIGHUP, syscall.SIGCONT) // a stopped process must continue to handle it
	if s.awaitGroups(ctx, groups) {
		return nil
	}
	groups = append(groups, s.groups()...)
	signalGroups(groups, syscall.SIGKILL)
	select {
	case <-s.ended:
		return nil
	case <-time.After(s.killTime):
		return fmt.Errorf("close shell %q: process %d does not end", s.id, s.pid)
	}
}

// groups are the process groups that a terminal's hang-up concerns: the program's and the foreground's. The keeper may
// have reaped a program that is not our child, and another process may have its pid.
func (s *Shell) groups() (groups []int) {
	if s.birth == "" || birthOf(s.pid) == s.birth {
		groups = append(groups, s.pid)
	}
	if foreground := s.terminal.foreground(); foreground > 0 && foreground != s.pid {
		groups = append(groups, foreground)
	}
	return groups
}

// awaitGroups waits until the shell has ended and the groups are empty.
func (s *Shell) awaitGroups(ctx context.Context, groups []int) bool {
	grace, cancel := context.WithTimeout(ctx, s.grace)
	defer cancel()
	if !s.awaitEnd(grace, groups) {
		return false
	}
	tick := time.NewTicker(groupPollTime)
	defer tick.Stop()
	for slices.ContainsFunc(groups, groupAlive) {
		select {
		case <-tick.C:
		case <-grace.Done():
			return false
		}
	}
	return true
}

// awaitEnd waits until the shell has ended. Bash and other users of readline may only note a signal that arrives just
// before they wait for a key. A change of the window's size, which others ignore or redraw at, mostly wakes them, and
// else another HUP. Programs in the foreground get one HUP: a second one ends vim before it has saved its buffers.
func (s *Shell) awaitEnd(ctx context.Context, groups []int) bool {
	wake, again := time.NewTicker(wakePeriod), time.NewTicker(hangUpPeriod)
	defer wake.Stop()
	defer again.Stop()
	for {
		select {
		case <-s.ended:
			return true
		case <-ctx.Done():
			return false
		case <-wake.C:
			signalGroups(groups, syscall.SIGWINCH)
		case <-again.C:
			signalGroups(groups[:min(1, len(groups))], syscall.SIGHUP)
		}
	}
}

// groupAlive reports whether a process of the group still runs. Zombies take signals, too: one that its parent, often
// the init process, has not waited for yet does not count.
func groupAlive(group int) bool { return syscall.Kill(-group, 0) == nil && !onlyZombies(group) }

func signalGroups(groups []int, signals ...syscall.Signal) {
	for _, group := range groups {
		for _, signal := range signals {
			syscall.Kill(-group, signal) // ESRCH: it has ended
		}
	}
}
