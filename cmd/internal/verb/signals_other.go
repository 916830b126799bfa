//go:build !unix

package verb

// heedLimits has nothing to do here.
func heedLimits() {}
