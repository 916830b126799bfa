//go:build linux || darwin

package bench

import (
	"os"
	"runtime"
	"syscall"
)

// peakMiB is the largest resident set an ended process had.
func peakMiB(p *os.ProcessState) float64 {
	use, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	unit := 1024.0 // kilobytes on Linux, bytes on macOS
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	return float64(use.Maxrss) * unit / (1 << 20)
}
