package verb

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pushforward/bench/peak"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// A gauge is a piece of work whose speed is measured on each tier.
type gauge struct {
	name  string
	work  float64 // 10⁹ units of it
	peak  float64 // the most units a second there can be, as a share of the register-only peak
	setup func(l simd.Level) (run func())
}

const (
	speedBudget = 25 * time.Millisecond
	// slowWork is the operations above which plain Go is not measured: 20 to 100 ms of it.
	slowWork = 0.02
)

// speed prints the speed of the kernels of every tier, one thread, and its share of what a loop of multiply-adds
// on registers alone reaches.
func speed(w io.Writer, budget time.Duration) error {
	var b strings.Builder
	levels := simd.Levels()
	peaks := make([]float64, len(levels))
	row := func(name string, cell func(i int, l simd.Level) (value, share string)) {
		line := fmt.Sprintf("%-32s", name)
		for i, l := range levels {
			value, share := cell(i, l)
			line += fmt.Sprintf("%10s%7s", value, share)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	head := func(title string) {
		row(title, func(_ int, l simd.Level) (string, string) { return l.String(), "share" })
	}
	head("registers only, GFLOP/s")
	row("peak, float32", func(i int, l simd.Level) (string, string) {
		if peaks[i] = peak.GFLOPS[float32](l, 40*time.Millisecond); peaks[i] == 0 {
			return "-", ""
		}
		return threeDigits(peaks[i]), ""
	})
	section := func(title string, list []gauge) {
		b.WriteString("\n")
		head(title)
		for _, g := range list {
			row(g.name, func(i int, l simd.Level) (value, share string) {
				if l == simd.Generic && g.work > slowWork {
					return "-", ""
				}
				v := g.work / fastest(g.setup(l), budget).Seconds()
				if peaks[i] > 0 {
					share = fmt.Sprintf("%.0f %%", 100*v/(peaks[i]*g.peak))
				}
				return threeDigits(v), share
			})
		}
	}
	section("products, float32, GFLOP/s", productGauges[float32](1))
	section("products, float64, GFLOP/s", productGauges[float64](0.5))
	section("16 Ki numbers, float32, Gelem/s", elementGauges[float32](1))
	section("16 Ki numbers, float64, Gelem/s", elementGauges[float64](0.5))
	_, err := fmt.Fprintf(w, `One thread. A share is that of the speed which multiply-adds on registers alone reach.
A product is batch×in×out: nt is the forward x·Wᵀ, nb the same with Wᵀ kept and a bias, nn the gradient dY·W, tn
dYᵀ·X. float64 has half the peak. Of 16 Ki numbers each counts as one multiply-add: 5 %% is the time of twenty.

%s`, b.String())
	return err
}

// fastest returns the least time of one run, among loops that are long enough for the clock, three at least: a single one may have
// been stopped in the middle for many times what it takes.
func fastest(run func(), budget time.Duration) time.Duration {
	run() // what it fetches and grows
	best, n := time.Duration(1<<63-1), 1
	for begin, loops := time.Now(), 1; ; loops++ {
		start := time.Now()
		for range n {
			run()
		}
		d := time.Since(start)
		best = min(best, max(1, d/time.Duration(n)))
		if loops >= 3 && time.Since(begin) >= budget {
			return best
		}
		if d < budget/16 {
			n *= 2
		}
	}
}

// threeDigits prints v with about three digits.
func threeDigits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

func numbers[F simd.Float](n int) []F {
	x := make([]F, n)
	rng.Normal(rng.New(1), x)
	return x
}

// productGauges are products as layers make them.
func productGauges[F simd.Float](peak float64) []gauge {
	var list []gauge
	for _, s := range []struct {
		batch, in, out int
		forms          string
	}{
		{64, 64, 64, "nn nt tn"}, {256, 64, 64, "nn nt tn"}, {256, 256, 256, "nn nt tn"}, {512, 512, 512, "nn nt tn"},
		{256, 2, 64, "nb"}, {256, 64, 2, "nb tn"}, {1, 64, 64, "nb"}, {16, 256, 256, "nb"}, {128, 1024, 1024, "nb"},
	} {
		for form := range strings.FieldsSeq(s.forms) {
			list = append(list, gauge{
				name: fmt.Sprintf("%d×%d×%d %s", s.batch, s.in, s.out, form),
				work: 2 * float64(s.batch) * float64(s.in) * float64(s.out) / 1e9,
				peak: peak,
				setup: func(l simd.Level) func() {
					k, p := simd.At[F](l), new(simd.Packs[F])
					x, y := simd.Dense(numbers[F](s.batch*s.in), s.batch, s.in), simd.Dense(numbers[F](s.batch*s.out), s.batch, s.out)
					w, wt := simd.Dense(numbers[F](s.out*s.in), s.out, s.in), simd.Dense(numbers[F](s.out*s.in), s.in, s.out)
					bias := numbers[F](s.out)
					switch form {
					case "nn":
						return func() { k.Gemm(p, x, y, w, false) }
					case "nt":
						return func() { k.Gemm(p, y, x, w.T(), false) }
					case "tn":
						return func() { k.Gemm(p, w, y.T(), x, false) }
					}
					return func() { k.GemmBias(p, y, x, wt, bias) }
				},
			})
		}
	}
	return list
}

// elementGauges are kernels on numbers that lie in the second-level cache.
func elementGauges[F simd.Float](peak float64) []gauge {
	const n = 1 << 14
	var list []gauge
	add := func(name string, f func(k *simd.Kernels[F], dst, x, y []F)) {
		list = append(list, gauge{name: name, work: n / 1e9, peak: peak / 2, setup: func(l simd.Level) func() {
			k, dst, x, y := simd.At[F](l), make([]F, n), numbers[F](n), numbers[F](n)
			return func() { f(k, dst, x, y) }
		}})
	}
	unary := func(name string, f func(k *simd.Kernels[F]) func(dst, x []F)) {
		add(name, func(k *simd.Kernels[F], dst, x, _ []F) { f(k)(dst, x) })
	}
	add("add", func(k *simd.Kernels[F], dst, x, y []F) { k.Add(dst, x, y) })
	add("axpy", func(k *simd.Kernels[F], dst, x, _ []F) { k.Axpy(dst, 1e-9, x) })
	add("sum", func(k *simd.Kernels[F], _, x, _ []F) { k.Sum(x) })
	add("dot", func(k *simd.Kernels[F], _, x, y []F) { k.Dot(x, y) })
	unary("exp", func(k *simd.Kernels[F]) func(dst, x []F) { return k.Exp })
	unary("log", func(k *simd.Kernels[F]) func(dst, x []F) { return k.Log })
	unary("tanh", func(k *simd.Kernels[F]) func(dst, x []F) { return k.Tanh })
	unary("silu", func(k *simd.Kernels[F]) func(dst, x []F) { return k.SiLU })
	add("silu gradient", func(k *simd.Kernels[F], dst, x, y []F) { k.SiLUGrad(dst, x, y) })
	unary("selu", func(k *simd.Kernels[F]) func(dst, x []F) { return k.SELU })
	unary("gelu", func(k *simd.Kernels[F]) func(dst, x []F) { return k.GELU })
	unary("sin", func(k *simd.Kernels[F]) func(dst, x []F) { return k.Sin })
	list = append(list, gauge{name: "normal numbers", work: n / 1e9, peak: peak / 2, setup: func(l simd.Level) func() {
		k, dst := simd.At[F](l), make([]F, n)
		words := make([]uint32, n)
		if _, double := any(dst).([]float64); double {
			words = make([]uint32, 2*n)
		}
		return func() {
			k.Philox(words, simd.PhiloxKey{}, 0)
			k.Normal(dst, words)
		}
	}})
	list = append(list, gauge{name: "Adam", work: n / 1e9, peak: peak / 2, setup: func(l simd.Level) func() {
		k, w, m, v, g := simd.At[F](l), make([]F, n), make([]F, n), make([]F, n), numbers[F](n)
		return func() {
			k.Adam(w, m, v, g, simd.AdamCoeffs{Beta1: 0.9, Beta2: 0.999, Step: 1e-3, Eps: 1e-8})
		}
	}})
	return list
}
