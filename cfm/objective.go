package cfm

import (
	"sync"

	"pushforward/autograd"
	"pushforward/simd"
	"pushforward/simd/rng"
)

// Objective is a training loss: the sum over b's rows, on tape tp, of what one row costs.
// It sees a shard of the batch; dividing by the batch size is the trainer's work. It is
// called from several goroutines, each with its own tape; what is random in it is to be drawn
// from key and b.Row, so that shards move no bit. b.X1 and b.X0 are in the field's
// coordinates.
type Objective[F simd.Float] func(tp *autograd.Tape[F], b Batch[F], key rng.Key) autograd.Var[F]

// Match is the conditional flow matching objective, a row's mean square
//
//	‖v(t, xₜ) - uₜ‖² / D
//
// v sees xₜ, t and the row's condition, never the end points. Its least value is not zero but
// the mean conditional variance of uₜ given xₜ: the loss levels off above zero, and its
// gradient, not its value, is that of flow matching (Lipman et al. 2023, thm 2).
//
// t is times(u) mapped to p's span, u stratified: row r of a batch of n takes
// u = (r + U)/n + S mod 1, with a shift S for the batch and U for the row. Match panics if p
// fails CheckPath.
func Match[F simd.Float](f Field[F], p Path, times TimeLaw) Objective[F] {
	return newMatch(f, p, times).loss
}

// MatchUnstratified is Match with times that are drawn independently, u uniform for each row, as most published code does: the same
// least point, reached by noisier steps.
func MatchUnstratified[F simd.Float](f Field[F], p Path, times TimeLaw) Objective[F] {
	m := newMatch(f, p, times)
	m.loose = true
	return m.loss
}

func newMatch[F simd.Float](f Field[F], p Path, times TimeLaw) *match[F] {
	if p == nil {
		p = CondOT{}
	}
	if err := CheckPath(p); err != nil {
		panic(err)
	}
	m := &match[F]{field: f, path: p, times: times}
	m.lo, m.hi = Span(p)
	return m
}

type match[F simd.Float] struct {
	field  Field[F]
	path   Path
	times  TimeLaw
	loose  bool // times are not stratified
	lo, hi float64
}

func (m *match[F]) loss(tp *autograd.Tape[F], b Batch[F], key rng.Key) autograd.Var[F] {
	n, d := b.X1.Rows(), b.X1.Shape.Dim(1)
	q := Query[F]{T: tp.Alloc(autograd.Dims(n, 1)), X: tp.Alloc(b.X1.Shape)}
	u := tp.Alloc(b.X1.Shape)
	if b.Cond.Shape.Rank() > 0 {
		q.Cond = tp.Const(b.Cond)
	}
	m.fill(tp, q.T.Value().Data, q.X.Value().Data, u.Value().Data, nil, b, key)
	return m.field.Velocity(q).Sub(u).Square().Sum().Scale(1 / float64(d))
}

// noiseRows is how many rows share a call of the samplers: row r's numbers are those of place
// r mod 64 in block r/64, so that they do not depend on how the batch was cut.
const noiseRows = 64

// times64 is the scratch memory of a block of times. It comes from a pool because what is
// handed to a kernel cannot lie on the stack.
type times64 struct{ u, t [noiseRows]float64 }

var timesPool = sync.Pool{New: func() any { return new(times64) }}

// fill sets the times, points and targets of b's rows, and unless it is nil the noise e in them, but not
// of rows whose path has none.
func (m *match[F]) fill(tp *autograd.Tape[F], t []F, x, u, e []F, b Batch[F], key rng.Key) {
	clock, noise := key.Named("time"), key.Named("noise")
	shift := key.Named("shift").Float64(0)
	ts := timesPool.Get().(*times64)
	defer timesPool.Put(ts)
	var z []F
	d := len(x) / max(1, len(t))
	for lo, hi := 0, 0; lo < len(t); lo = hi {
		block := b.Row[lo] / noiseRows
		for hi = lo + 1; hi < len(t) && hi < lo+noiseRows && b.Row[hi]/noiseRows == block; {
			hi++
		}
		rng.Uniform(clock.Fold(uint64(block)), ts.u[:])
		for i, r := range b.Row[lo:hi] {
			v := ts.u[r%noiseRows]
			if !m.loose {
				v = (float64(r)+v)/float64(b.Total) + shift
				v -= float64(int(v))
			}
			ts.t[i] = v
		}
		m.law(ts.t[:hi-lo], ts.u[:hi-lo])
		drawn := false
		for i := lo; i < hi; i++ {
			k := m.path.At(ts.t[i-lo])
			t[i] = F(ts.t[i-lo])
			x0, x1, xi, ui := b.X0.Data[i*d:][:d], b.X1.Data[i*d:][:d], x[i*d:][:d], u[i*d:][:d]
			mix(xi, F(k.A), x1, F(k.B), x0)
			mix(ui, F(k.DA), x1, F(k.DB), x0)
			if k.C == 0 && k.DC == 0 {
				continue
			}
			if !drawn {
				if z == nil {
					z = tp.Alloc(autograd.Dims(noiseRows, d)).Value().Data
				}
				rng.Normal(noise.Fold(uint64(block)), z)
				drawn = true
			}
			zi := z[b.Row[i]%noiseRows*d:][:d]
			addScaled(xi, F(k.C), zi)
			addScaled(ui, F(k.DC), zi)
			if e != nil {
				copy(e[i*d:][:d], zi)
			}
		}
	}
}

// law turns a block of u into times. late is scratch memory of the same length.
func (m *match[F]) law(u, late []float64) {
	if m.times == nil {
		for i, v := range u {
			late[i] = 1
			if v >= early {
				late[i] = (v - early) / (1 - early)
			}
		}
		k := simd.Best[float64]()
		k.Log(late, late)
		k.Scale(late, 1.0/3, late)
		k.Exp(late, late)
		for i, v := range u {
			u[i] = late[i]
			if v < early {
				u[i] = v / early
			}
		}
	} else {
		for i := range u {
			u[i] = m.times(u[i])
		}
	}
	if m.lo != 0 || m.hi != 1 {
		for i := range u {
			u[i] = m.lo + float64((m.hi-m.lo)*u[i])
		}
	}
}

// mix sets dst = a·x + b·y.
func mix[F simd.Float](dst []F, a F, x []F, b F, y []F) {
	x, y = x[:len(dst)], y[:len(dst)]
	for j := range dst {
		dst[j] = F(a*x[j]) + F(b*y[j])
	}
}

// addScaled adds c·z to dst.
func addScaled[F simd.Float](dst []F, c F, z []F) {
	z = z[:len(dst)]
	for j := range dst {
		dst[j] += F(c * z[j])
	}
}
