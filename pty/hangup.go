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
	// killTime limits the wait for a killed program, which only a hang in the kernel exceeds.
	killTime = 5 * time.Second
	// groupPollTime is how often process groups are checked that are not our children.
	groupPollTime = 10 * time.Millisecond
)

// hangUp ends the shell: its process groups get HUP, and KILL after hangUpGrace or when ctx ends. It returns when the
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
	case <-time.After(killTime):
		return fmt.Errorf("close shell %q: process %d does not end", s.id, s.pid)
	}
}

// groups are the process groups that a terminal's hang-up concerns: the program's and the foreground's.
func (s *Shell) groups() []int {
	groups := []int{s.pid}
	if foreground := s.terminal.foreground(); foreground > 0 && foreground != s.pid {
		groups = append(groups, foreground)
	}
	return groups
}

// awaitGroups waits until the shell has ended and the groups are empty.
func (s *Shell) awaitGroups(ctx context.Context, groups []int) bool {
	grace, cancel := context.WithTimeout(ctx, hangUpGrace)
	defer cancel()
	select {
	case <-s.ended:
	case <-grace.Done():
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
