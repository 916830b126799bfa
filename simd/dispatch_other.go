//go:build (!amd64 && !arm64) || purego

package simd

func assembled() []tier { return nil }
