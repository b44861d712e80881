package supervisor

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetName gives this process the name that ps shows, if it was started through /proc, as this package starts programs.
// It belongs to the main thread.
func SetName() {
	if Wanted() || Supervised() || strings.HasPrefix(os.Args[0], "/proc/") {
		name := []byte("convoy\x00")
		unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0) //nolint:errcheck // only a name
	}
}

// release gives memory back: what the program no longer needs, and the pages of its file that were needed to start. The
// kernel has them for the node as well, and maps those again that are used. A mapping with pages of this process alone
// stays: they hold the addresses at which a position-independent program was loaded.
func release() {
	runtime.GC()                                // package runtime/debug would initialize late
	smaps, _ := os.ReadFile("/proc/self/smaps") //nolint:errcheck // then nothing is given back
	exe, _ := os.Readlink("/proc/self/exe")     //nolint:errcheck // as above
	var from, to uintptr                        // a mapping of the program's file without such pages; 0: none
	for line := range strings.Lines(string(smaps)) {
		what, size, _ := strings.Cut(line, ":")
		switch size = strings.TrimSpace(size); {
		case !strings.HasSuffix(size, " kB"):
			var first, end uintptr
			var mode string
			if n, _ := fmt.Sscanf(line, "%x-%x %s", &first, &end, &mode); n < 3 { //nolint:errcheck // n tells
				continue // of another kind than sizes
			}
			from, to = 0, 0
			if exe != "" && strings.HasPrefix(mode, "r-") && strings.HasSuffix(line, exe+"\n") {
				from, to = first, end
			}
		case (what == "Anonymous" || what == "Swap") && size != "0 kB":
			from, to = 0, 0
		case what == "Swap" && from != 0: // the last of both
			unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED) //nolint:errcheck // it is only advice
		}
	}
}
