package stats

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cgroup is this process's control group (version 2), and how to read it. It is the container's, or a service's.
type cgroup struct{ root, path string }

// contained reports whether the group has figures of its own, and is a container's or limited: else those of the
// machine describe more.
func (c cgroup) contained() bool {
	if _, err := os.Stat(c.file("memory.current")); err != nil {
		return false
	}
	return c.path == "/" || !math.IsInf(min(c.memoryLimit(), c.cpuLimit()), 1)
}

func (c cgroup) file(name string) string { return filepath.Join(c.root, c.path, name) }

// limit is the lowest of the values that read finds in the group and those above it, +Inf without any.
func (c cgroup) limit(name string, read func(fields []string) float64) float64 {
	lowest := math.Inf(1)
	for path := filepath.Clean("/" + c.path); ; path = filepath.Dir(path) {
		if text, err := os.ReadFile(filepath.Join(c.root, path, name)); err == nil {
			if v := read(strings.Fields(string(text))); v > 0 {
				lowest = min(lowest, v)
			}
		}
		if path == "/" {
			return lowest
		}
	}
}

// memoryLimit is in bytes.
func (c cgroup) memoryLimit() float64 {
	return c.limit("memory.max", func(fields []string) float64 { return number(fields, 0) })
}

// cpuLimit is in cores: what cpu.max allows in each period.
func (c cgroup) cpuLimit() float64 {
	return c.limit("cpu.max", func(fields []string) float64 { return number(fields, 0) / number(fields, 1) })
}

// number is a field as a number, NaN if it is none, such as "max".
func number(fields []string, i int) float64 {
	if i >= len(fields) {
		return math.NaN()
	}
	v, err := strconv.ParseUint(fields[i], 10, 64)
	if err != nil {
		return math.NaN()
	}
	return float64(v)
}

// memory is what is in use and cannot simply be dropped, in bytes: without the files that were not read recently.
func (c cgroup) memory() (float64, error) {
	text, err := os.ReadFile(c.file("memory.current"))
	if err != nil {
		return math.NaN(), err
	}
	inactive, err := c.keyed("memory.stat", "inactive_file")
	return max(0, number(strings.Fields(string(text)), 0)-inactive), err
}

// cpu is the time that the group used, in seconds.
func (c cgroup) cpu() (float64, error) {
	v, err := c.keyed("cpu.stat", "usage_usec")
	return v / 1e6, err
}

// keyed is the value of a key in a file of lines with a key and a value.
func (c cgroup) keyed(name, key string) (float64, error) {
	text, err := os.ReadFile(c.file(name))
	if err != nil {
		return math.NaN(), err
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == key {
			return number(fields, 1), nil
		}
	}
	return math.NaN(), fmt.Errorf("%s has no %s", name, key)
}

// io is what the group read from devices and wrote to them, in bytes.
func (c cgroup) io() (read, written float64, err error) {
	text, err := os.ReadFile(c.file("io.stat"))
	if err != nil {
		return math.NaN(), math.NaN(), err
	}
	for field := range strings.FieldsSeq(string(text)) { // 8:0 rbytes=1 wbytes=2 …, a line for each device
		key, value, _ := strings.Cut(field, "=")
		n, _ := strconv.ParseUint(value, 10, 64) //nolint:errcheck // 0: the field is none
		switch key {
		case "rbytes":
			read += float64(n)
		case "wbytes":
			written += float64(n)
		}
	}
	return read, written, nil
}
