//go:build unix

package verb

import (
	"os/signal"
	"syscall"
)

// heedLimits makes a write beyond the limit on the size of files (ulimit -f) an error like any other, and not the end of the
// process.
func heedLimits() { signal.Ignore(syscall.SIGXFSZ) }
