//go:build !race

package cfm

const raced = false
