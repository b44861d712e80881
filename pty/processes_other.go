//go:build !linux

package pty

// onlyZombies reports false: these systems have no /proc.
func onlyZombies(int) bool { return false }
