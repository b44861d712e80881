// Package stats samples what a node's machine or container, its process and its shells use, and keeps a day of it in
// memory.
package stats

import (
	"context"
	"math"
	"sync"
	"time"
)

// The series of a node, by their names in docs/protocol.md.
const (
	CPU           = iota // of the container or machine, in cores; also the next
	CPUPeak              // the highest of the samples
	Memory               // in use, in bytes; also the next
	MemoryPeak           // the highest of the samples
	Load                 // average of a minute
	Disk                 // in use on the node's file system, in bytes
	DiskRead             // from devices, in bytes a second
	DiskWrite            // to devices
	NetIn                // received, without loopback, in bytes a second
	NetOut               // sent
	NodeCPU              // of the node's process and its shells, in cores
	NodeMemory           // likewise, resident, in bytes
	ProcessCPU           // of the node's process, in cores
	ProcessMemory        // resident, in bytes
	seriesCount
)

// series have the names of the series, which are counters from which rates are made, and of which several become their
// maximum.
var series = [seriesCount]struct {
	name          string
	counter, peak bool
}{
	CPU: {"cpu", true, false}, CPUPeak: {"cpu_peak", true, true},
	Memory: {"memory", false, false}, MemoryPeak: {"memory_peak", false, true},
	Load: {"load", false, false}, Disk: {"disk", false, false},
	DiskRead: {"disk_read", true, false}, DiskWrite: {"disk_write", true, false},
	NetIn: {"net_in", true, false}, NetOut: {"net_out", true, false},
	NodeCPU: {"node_cpu", false, false}, NodeMemory: {"node_memory", false, false},
	ProcessCPU: {"process_cpu", true, false}, ProcessMemory: {"process_memory", false, false},
}

// maxShells is how many shells have a history, which bounds the memory: at most 1 MiB for a node. The first ones of the
// list have it.
const maxShells = 128

// Config says what is sampled.
type Config struct {
	Dir    string         // on the file system that is measured; "": the working directory
	Shells func() []Shell // that exist now, with their processes; nil: none
	// Shared means that other nodes run on this machine, so that a card shows the node's own processes.
	Shared bool
}

// Shell is a shell to sample: its process, and all processes of its session and below it.
type Shell struct {
	ID  string
	PID int
}

// Sampler samples a node. Its methods may be called concurrently.
type Sampler struct {
	cfg    Config
	reader *reader

	mu      sync.Mutex // guards the following fields
	tick    int64
	at      time.Time            // of the last sample; zero: none yet
	last    [seriesCount]float64 // as read
	current [seriesCount]float32
	limits  Limits
	scope   string
	unknown map[string]string
	node    *history
	shells  map[string]*shell
	changed chan struct{}
}

// shell is a shell's history.
type shell struct {
	*history
	cpu  float64 // the time that its processes have used, in seconds
	seen bool    // cpu is known
}

// Limits are the most that can be used; 0: unknown.
type Limits struct {
	CPU    float64 `json:"cpu"`    // cores
	Memory float64 `json:"memory"` // bytes
	Disk   float64 `json:"disk"`   // bytes
}

// New returns a sampler that has no samples yet.
func New(cfg Config) *Sampler {
	if cfg.Shells == nil {
		cfg.Shells = func() []Shell { return nil }
	}
	peaks := make([]bool, seriesCount)
	for i, s := range series {
		peaks[i] = s.peak
	}
	return &Sampler{
		cfg:     cfg,
		reader:  newReader(cfg.Dir),
		last:    newSample().values,
		node:    newHistory(peaks),
		shells:  map[string]*shell{},
		changed: make(chan struct{}),
	}
}

// Run samples at each tick, until ctx ends.
func (s *Sampler) Run(ctx context.Context) {
	ticker := time.NewTicker(Tick)
	defer ticker.Stop()
	for {
		s.Sample()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Changed is closed at the next sample.
func (s *Sampler) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Sample takes one sample now. Run does that at each tick; only one goroutine may.
func (s *Sampler) Sample() {
	now, shells := time.Now(), s.cfg.Shells()
	shells = shells[:min(len(shells), maxShells)]
	read := s.reader.read(shells)
	s.mu.Lock()
	defer s.mu.Unlock()
	elapsed := now.Sub(s.at)
	s.skip(now.Round(0).Sub(s.at.Round(0))) // by the wall clock, which also runs while a machine sleeps
	s.tick++
	s.limits, s.scope, s.unknown = read.limits, read.scope, read.unknown
	ownCPU, ownMemory := s.addShells(read.shells, elapsed)
	for i, v := range read.values {
		if series[i].counter {
			v = rate(read.values[i], s.last[i], elapsed)
		}
		s.current[i] = float32(v)
	}
	s.current[NodeCPU] += s.current[ProcessCPU] + ownCPU
	s.current[NodeMemory] += s.current[ProcessMemory] + ownMemory
	s.node.add(s.tick, s.current[:])
	s.last, s.at = read.values, now
	close(s.changed)
	s.changed = make(chan struct{})
}

// skip adds unknown rows for the samples that were not taken, because the machine slept. It requires s.mu.
func (s *Sampler) skip(elapsed time.Duration) {
	if s.at.IsZero() {
		return
	}
	last := details[len(details)-1]
	missed := min(int(elapsed/Tick)-1, last.ticks*last.rows)
	for range missed {
		s.tick++
		s.node.add(s.tick, unknownRow[:seriesCount])
		for _, sh := range s.shells {
			sh.add(s.tick, unknownRow[:len(shellSeries)])
		}
	}
}

var unknownRow = func() (row [seriesCount]float32) {
	for i := range row {
		row[i] = float32(math.NaN())
	}
	return row
}()

// rate is how much a counter grew in a second. It is NaN if that is not known.
func rate(now, before float64, elapsed time.Duration) float64 {
	if grown := now - before; grown >= 0 && elapsed > 0 {
		return grown / elapsed.Seconds()
	}
	return math.NaN()
}

// shellSeries are the names of a shell's series: as those of a node.
var shellSeries = [...]string{"cpu", "memory"}

// addShells adds a row to each shell's history, and returns the sums. It requires s.mu.
func (s *Sampler) addShells(all map[string]usage, elapsed time.Duration) (cpu, memory float32) {
	for id := range s.shells {
		if _, ok := all[id]; !ok {
			delete(s.shells, id)
		}
	}
	for id, u := range all {
		sh := s.shells[id]
		if sh == nil {
			sh = &shell{history: newHistory(make([]bool, len(shellSeries)))}
			s.shells[id] = sh
		}
		row := [len(shellSeries)]float32{float32(math.NaN()), float32(u.memory)}
		if sh.seen { // what ended and was not waited for by the shell is missing: then nothing was used
			row[0] = float32(rate(max(u.cpu, sh.cpu), sh.cpu, elapsed))
			cpu += row[0]
		}
		sh.cpu, sh.seen = u.cpu, true
		memory += row[1]
		sh.add(s.tick, row[:])
	}
	return cpu, memory
}

// usage is what the processes of a shell use.
type usage struct{ cpu, memory float64 } // seconds so far, bytes

// sample is what was read at once.
type sample struct {
	values  [seriesCount]float64 // counters, for rates
	limits  Limits
	scope   string            // container or machine
	unknown map[string]string // by series: why it is not known
	shells  map[string]usage
}

func newSample() sample {
	s := sample{scope: "machine", unknown: map[string]string{}, shells: map[string]usage{}}
	for i := range s.values {
		s.values[i] = math.NaN()
	}
	return s
}

// fail notes why series are not known.
func (s *sample) fail(err error, of ...int) {
	for _, i := range of {
		s.values[i] = math.NaN()
		s.unknown[series[i].name] = err.Error()
	}
}
