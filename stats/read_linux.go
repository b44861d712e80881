package stats

import (
	"cmp"
	"errors"
	"math"
	"os"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"
	"github.com/prometheus/procfs/blockdevice"
	"golang.org/x/sys/unix"
)

const (
	tickHz        = 100 // of the times in /proc
	cgroupRoot    = "/sys/fs/cgroup"
	limitsRefresh = 12 // samples
)

// reader reads /proc and the control group.
type reader struct {
	fs     procfs.FS
	disks  blockdevice.FS
	err    error // why /proc cannot be read
	self   procfs.Proc
	group  cgroup
	dir    string
	count  int
	scope  string
	limits Limits
	processes
}

func newReader(dir string) *reader {
	r := &reader{dir: cmp.Or(dir, "."), group: cgroup{root: cgroupRoot}}
	var blockErr error
	r.fs, r.err = procfs.NewDefaultFS()
	r.disks, blockErr = blockdevice.NewDefaultFS()
	r.self = procfs.Proc{}
	if r.err == nil {
		r.self, r.err = r.fs.Self()
	}
	r.err = errors.Join(r.err, blockErr)
	return r
}

// read takes a sample.
func (r *reader) read(shells []Shell) sample {
	s := newSample()
	if r.err != nil {
		s.fail(r.err, CPU, CPUPeak, Memory, MemoryPeak, Load, DiskRead, DiskWrite, NetIn, NetOut, ProcessCPU, ProcessMemory,
			NodeCPU, NodeMemory)
	} else {
		if r.count%limitsRefresh == 0 {
			r.readLimits()
		}
		r.count++
		s.limits, s.scope = r.limits, r.scope
		r.readMachine(&s)
		r.readProcesses(&s, shells)
	}
	r.readDisk(&s)
	s.values[CPUPeak], s.values[MemoryPeak] = s.values[CPU], s.values[Memory]
	return s
}

// readLimits finds out whether the control group or the machine limits what can be used.
func (r *reader) readLimits() {
	r.scope, r.limits = "machine", Limits{CPU: float64(runtime.NumCPU())}
	if mem, err := r.fs.Meminfo(); err == nil && mem.MemTotalBytes != nil {
		r.limits.Memory = float64(*mem.MemTotalBytes)
	}
	groups, _ := r.self.Cgroups() //nolint:errcheck // then there is none
	for _, g := range groups {
		if g.HierarchyID == 0 {
			r.group.path = g.Path
		}
	}
	if r.group.path == "" || !r.group.contained() {
		return
	}
	r.scope = "container"
	r.limits.CPU = min(r.limits.CPU, r.group.cpuLimit())
	if limit := r.group.memoryLimit(); r.limits.Memory == 0 && !math.IsInf(limit, 1) || limit < r.limits.Memory {
		r.limits.Memory = limit
	}
}

// readMachine reads what the container or the machine uses.
func (r *reader) readMachine(s *sample) {
	v := &s.values
	var err error
	if r.scope == "container" {
		if v[CPU], err = r.group.cpu(); err != nil {
			s.fail(reason(err), CPU, CPUPeak)
		}
		if v[Memory], err = r.group.memory(); err != nil {
			s.fail(reason(err), Memory, MemoryPeak)
		}
		if v[DiskRead], v[DiskWrite], err = r.group.io(); err != nil {
			s.fail(reason(err), DiskRead, DiskWrite)
		}
	} else {
		r.readWhole(s)
	}
	if load, err := r.fs.LoadAvg(); err != nil {
		s.fail(reason(err), Load)
	} else {
		v[Load] = load.Load1
	}
	lines, err := r.fs.NetDev()
	if err != nil {
		s.fail(reason(err), NetIn, NetOut)
		return
	}
	v[NetIn], v[NetOut] = 0, 0
	for name, line := range lines {
		if name != "lo" {
			v[NetIn] += float64(line.RxBytes)
			v[NetOut] += float64(line.TxBytes)
		}
	}
}

// readWhole reads what the machine uses.
func (r *reader) readWhole(s *sample) {
	v := &s.values
	if stat, err := r.fs.Stat(); err != nil {
		s.fail(reason(err), CPU, CPUPeak)
	} else {
		t := stat.CPUTotal // guests are part of user
		v[CPU] = t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ
	}
	mem, err := r.fs.Meminfo()
	if err == nil && (mem.MemTotalBytes == nil || mem.MemAvailableBytes == nil) {
		err = errors.New("/proc/meminfo has no MemAvailable")
	}
	if err != nil {
		s.fail(reason(err), Memory, MemoryPeak)
	} else {
		v[Memory] = float64(*mem.MemTotalBytes - *mem.MemAvailableBytes)
	}
	disks, err := r.disks.ProcDiskstats()
	if err != nil {
		s.fail(reason(err), DiskRead, DiskWrite)
		return
	}
	v[DiskRead], v[DiskWrite] = 0, 0
	const sector = 512
	for _, d := range disks {
		if !isPart(d.DeviceName) {
			v[DiskRead] += float64(d.ReadSectors) * sector
			v[DiskWrite] += float64(d.WriteSectors) * sector
		}
	}
}

// isPart reports whether the counts of a device are also those of another: a partition, or a device on top of one.
func isPart(name string) bool {
	for _, prefix := range []string{"loop", "ram", "dm-", "md", "zram"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	disk := strings.TrimRight(name, "0123456789")
	if disk == name {
		return false
	}
	if strings.HasPrefix(name, "nvme") || strings.HasPrefix(name, "mmcblk") {
		return strings.HasSuffix(disk, "p")
	}
	return strings.HasPrefix(name, "sd") || strings.HasPrefix(name, "vd") || strings.HasPrefix(name, "xvd") ||
		strings.HasPrefix(name, "hd")
}

// readDisk reads how full the node's file system is.
func (r *reader) readDisk(s *sample) {
	var fs unix.Statfs_t
	if err := unix.Statfs(r.dir, &fs); err != nil {
		s.fail(err, Disk)
		return
	}
	s.values[Disk] = float64(fs.Blocks-fs.Bfree) * float64(fs.Bsize)
	s.limits.Disk = float64(fs.Blocks) * float64(fs.Bsize)
}

// reason is an error without the path, which may name a container.
func reason(err error) error {
	if path, ok := errors.AsType[*os.PathError](err); ok {
		return errors.New(path.Op + ": " + path.Err.Error())
	}
	return err
}
