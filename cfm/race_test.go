//go:build race

package cfm

// raced: the race detector makes sync.Pool drop things, so counts of allocations say nothing.
const raced = true
