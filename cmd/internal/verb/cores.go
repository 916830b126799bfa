package verb

import "runtime"

// useCores limits the cores that are used. No result depends on it.
func useCores(n int) { runtime.GOMAXPROCS(n) }
