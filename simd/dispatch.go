package simd

import (
	"fmt"
	"os"
	"strings"
)

// tier is the kernels of one level for both element types.
type tier struct {
	level Level
	f32   *Kernels[float32]
	f64   *Kernels[float64]
}

// tiers are those that this CPU can run, Generic first; best is the one in use. Both are set once, before
// anything else of the program runs, and never again.
var (
	tiers = append([]tier{{Generic, newGeneric[float32](), newGeneric[float64]()}}, assembled()...)
	best  = pick(os.Getenv("SIMD"))
)

// pick returns the tier with the given name, or the last if there is none. A name that this machine
// cannot honour panics: a forced test that quietly tests something else is worse than none.
func pick(name string) tier {
	if name == "" {
		return tiers[len(tiers)-1]
	}
	var have []string
	for _, t := range tiers {
		if t.level.String() == name {
			return t
		}
		have = append(have, t.level.String())
	}
	panic(fmt.Sprintf("simd: SIMD=%s: not on this machine, which has %s", name, strings.Join(have, ", ")))
}

// Levels lists the tiers this CPU can run, Generic first. Tests range over it.
func Levels() []Level {
	var l []Level
	for _, t := range tiers {
		l = append(l, t.level)
	}
	return l
}

// Best returns the kernels in use: the last of Levels, or the tier named by the environment variable SIMD.
func Best[F Float]() *Kernels[F] { return of[F](&best) }

// At returns the kernels of one tier. It panics if this CPU cannot run it.
func At[F Float](l Level) *Kernels[F] {
	for i := range tiers {
		if tiers[i].level == l {
			return of[F](&tiers[i])
		}
	}
	panic(fmt.Sprintf("simd: At: no %v on this machine", l))
}

func of[F Float](t *tier) *Kernels[F] {
	if k, ok := any(t.f32).(*Kernels[F]); ok {
		return k
	}
	return any(t.f64).(*Kernels[F])
}

// String returns the level's name as the environment variable SIMD spells it.
func (l Level) String() string {
	switch l {
	case Generic:
		return "generic"
	case NEON:
		return "neon"
	case AVX2:
		return "avx2"
	case AVX512:
		return "avx512"
	}
	return fmt.Sprintf("level(%d)", uint8(l))
}
