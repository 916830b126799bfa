package metric

import (
	"math"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// MLP is the classifier of the published two-sample tests, scikit-learn's MLPClassifier as sbibm sets it: two
// hidden layers of 10·dim rectified units, logistic loss with weight decay 1e-4, Adam at 1e-3, batches of
// 200 rows in a new order each epoch, and an end when the loss has not fallen by 1e-4 for ten epochs.
// Zero fields mean these; the zero MLP is ready.
type MLP struct {
	Hidden    int // units a layer
	MaxEpochs int // 1000
	Patience  int // 10

	dim, epochs   int
	w, m, v, grad []float32
	packs         simd.Packs[float32]
	act           [3][]float32 // the input and both hidden layers of a batch
	back          [2][]float32
	out           []float32
}

// Epochs returns how many epochs the last Fit took.
func (c *MLP) Epochs() int { return c.epochs }

// layer is where the weights and biases of one layer lie.
type layer struct{ in, out, w, b int }

func (c *MLP) layers() (l [3]layer) {
	widths := [4]int{c.dim, c.width(), c.width(), 1}
	at := 0
	for k := range l {
		l[k] = layer{widths[k], widths[k+1], at, at + widths[k]*widths[k+1]}
		at = l[k].b + widths[k+1]
	}
	return l
}

func (c *MLP) width() int {
	if c.Hidden > 0 {
		return c.Hidden
	}
	return 10 * c.dim
}

// Fit implements Classifier.
func (c *MLP) Fit(x []float64, label []int, dim int, key rng.Key) {
	const rate, decay, tol = 1e-3, 1e-4, 1e-4
	n := rows(x, dim)
	batch := min(200, n)
	maxEpochs, patience := c.MaxEpochs, c.Patience
	if maxEpochs == 0 {
		maxEpochs = 1000
	}
	if patience == 0 {
		patience = 10
	}
	c.dim = dim
	ls := c.layers()
	size := ls[2].b + 1
	c.w, c.m, c.v, c.grad = make([]float32, size), make([]float32, size), make([]float32, size), make([]float32, size)
	// Glorot's uniform law, for the biases too.
	rng.Uniform(key.Named("weights"), c.w)
	for _, l := range ls {
		bound := float32(math.Sqrt(6 / float64(l.in+l.out)))
		for i := l.w; i < l.b+l.out; i++ {
			c.w[i] = (float32(2*c.w[i]) - 1) * bound
		}
	}
	k := simd.Best[float32]()
	order := make([]int, n)
	xs, ys := make([]float32, batch*dim), make([]int, batch)
	best, stale, step := math.Inf(1), 0, 0
	b1, b2 := 1.0, 1.0
	for c.epochs = 0; c.epochs < maxEpochs; {
		rng.Perm(key.Named("order").Fold(uint64(c.epochs)), order)
		loss := 0.0
		for lo := 0; lo < n; lo += batch {
			hi := min(lo+batch, n)
			for r, i := range order[lo:hi] {
				for j := range dim {
					xs[r*dim+j] = float32(x[i*dim+j])
				}
				ys[r] = label[i]
			}
			loss += c.gradient(k, xs[:(hi-lo)*dim], ys[:hi-lo], decay)
			step++
			b1, b2 = float64(b1*0.9), float64(b2*0.999)
			root := math.Sqrt(1 - b2)
			k.Adam(c.w, c.m, c.v, c.grad, simd.AdamCoeffs{Beta1: 0.9, Beta2: 0.999, Step: rate * root / (1 - b1), Eps: 1e-8 * root})
		}
		c.epochs++
		loss /= float64(n)
		if loss > best-tol {
			stale++
		} else {
			stale = 0
		}
		best = math.Min(best, loss)
		if stale > patience {
			break
		}
	}
}

// forward fills act and out for a batch.
func (c *MLP) forward(k *simd.Kernels[float32], x []float32) {
	n := len(x) / c.dim
	c.act[0] = x
	for i, l := range c.layers() {
		dst := &c.out
		if i < 2 {
			dst = &c.act[i+1]
		}
		if cap(*dst) < n*l.out {
			*dst = make([]float32, n*l.out)
		}
		*dst = (*dst)[:n*l.out]
		w := simd.Dense(c.w[l.w:l.b], l.out, l.in)
		k.GemmBias(&c.packs, simd.Dense(*dst, n, l.out), simd.Dense(c.act[i], n, l.in), w.T(), c.w[l.b:l.b+l.out])
		if i < 2 {
			for j, v := range *dst {
				if !(v > 0) {
					(*dst)[j] = 0
				}
			}
		}
	}
}

// gradient sets grad to that of the batch's mean loss with decay, and returns the summed loss.
func (c *MLP) gradient(k *simd.Kernels[float32], x []float32, label []int, decay float64) (loss float64) {
	n := len(label)
	c.forward(k, x)
	ls := c.layers()
	clear(c.grad)
	d := c.out
	for r, z := range d {
		// log(1 + eᶻ) - y·z and its derivative, σ(z) - y, over n.
		zf := float64(z)
		e := simd.Exp(-math.Abs(zf))
		p := 1 / (1 + e)
		if zf < 0 {
			p = e / (1 + e)
		}
		loss += math.Max(zf, 0) + simd.Log(1+e)
		if label[r] == 1 {
			loss -= zf
			p--
		}
		d[r] = float32(p / float64(n))
	}
	for i := 2; i >= 0; i-- {
		l := ls[i]
		dy := simd.Dense(d, n, l.out)
		k.Gemm(&c.packs, simd.Dense(c.grad[l.w:l.b], l.out, l.in), dy.T(), simd.Dense(c.act[i], n, l.in), false)
		k.AddRows(c.grad[l.b:l.b+l.out], d)
		k.Axpy(c.grad[l.w:l.b], float32(decay/float64(n)), c.w[l.w:l.b])
		sq := k.SumSq(c.w[l.w:l.b])
		loss += float64(0.5 * decay * sq)
		if i == 0 {
			break
		}
		if cap(c.back[i-1]) < n*l.in {
			c.back[i-1] = make([]float32, n*l.in)
		}
		dx := c.back[i-1][:n*l.in]
		k.Gemm(&c.packs, simd.Dense(dx, n, l.in), dy, simd.Dense(c.w[l.w:l.b], l.out, l.in), false)
		for j, a := range c.act[i] {
			if a == 0 {
				dx[j] = 0
			}
		}
		d = dx
	}
	return loss
}

// Scores implements Classifier.
func (c *MLP) Scores(dst, x []float64) {
	k := simd.Best[float32]()
	const chunk = 256
	xs := make([]float32, 0, chunk*c.dim)
	for lo := 0; lo < len(dst); lo += chunk {
		hi := min(lo+chunk, len(dst))
		xs = xs[:0]
		for _, v := range x[lo*c.dim : hi*c.dim] {
			xs = append(xs, float32(v))
		}
		c.forward(k, xs)
		for r, z := range c.out {
			dst[lo+r] = float64(z)
		}
	}
}
