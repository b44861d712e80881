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
// kernel has them for the node as well, and maps those again that are used.
func release() {
	runtime.GC()                              // package runtime/debug would initialize late
	maps, _ := os.ReadFile("/proc/self/maps") //nolint:errcheck // then nothing is given back
	exe, _ := os.Readlink("/proc/self/exe")   //nolint:errcheck // as above
	for line := range strings.Lines(string(maps)) {
		var from, to uintptr
		var mode string
		fmt.Sscanf(line, "%x-%x %s", &from, &to, &mode) //nolint:errcheck // then mode is empty
		if exe != "" && strings.HasPrefix(mode, "r-") && strings.HasSuffix(line, exe+"\n") {
			unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED) //nolint:errcheck // it is only advice
		}
	}
}
