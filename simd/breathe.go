package simd

// more reports whether i < n, as the condition of a loop of calls of assembly, and lets the garbage collector in between two of
// them. Go stops a goroutine by a signal, which assembly outlasts and which hardly ever comes between two calls, or where a
// function that makes room on the stack looks whether it may.
func more(i, n int) bool {
	if i > 0 && i < n {
		breathe()
	}
	return i < n
}

// breathe is a function that makes room on the stack, because it calls another.
//
//go:noinline
func breathe() { bottom() }

//go:noinline
func bottom() {}
