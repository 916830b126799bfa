package metric

import (
	"slices"

	"pushforward/simd"
	"pushforward/simd/rng"
)

// Trees is a strong classifier for tables: gradient boosting of the logistic loss by regression trees, each
// grown level by level on columns cut in 255 bins of equal count (as LightGBM and scikit-learn's
// HistGradientBoosting do). Zero fields mean Rounds 200, Depth 5, Rate 0.1, Leaf 20. The zero Trees is ready.
// It uses no chance.
type Trees struct {
	Rounds, Depth int
	Rate          float64
	Leaf          int // the fewest rows on a side of a cut

	dim   int
	base  float64
	cuts  [][]float64 // of each column, increasing
	trees []tree
}

// tree is a full binary tree: node k has children 2k+1 and 2k+2. A row goes right if its bin in column
// col[k] is above at[k].
type tree struct {
	col   []int32 // -1: all rows go left
	at    []uint8
	leaf  []float64
	depth int
}

// Fit implements Classifier.
func (c *Trees) Fit(x []float64, label []int, dim int, _ rng.Key) {
	rounds, depth, leaf, rate := c.Rounds, c.Depth, c.Leaf, c.Rate
	if rounds == 0 {
		rounds = 200
	}
	if depth == 0 {
		depth = 5
	}
	if leaf == 0 {
		leaf = 20
	}
	if rate == 0 {
		rate = 0.1
	}
	n := rows(x, dim)
	c.dim = dim
	c.cuts = make([][]float64, dim)
	for j := range dim {
		c.cuts[j] = cutsOf(x, dim, j)
	}
	bins := c.binned(x)
	pos := 0
	for _, l := range label {
		pos += l
	}
	c.base = simd.Log((float64(pos) + 0.5) / (float64(n-pos) + 0.5))
	c.trees = c.trees[:0]
	f, g, h := make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range f {
		f[i] = c.base
	}
	node := make([]int, n)
	for range rounds {
		for i, v := range f {
			p := 1 / (1 + simd.Exp(-v))
			g[i], h[i] = p-float64(label[i]), float64(p*(1-p))
		}
		t := grow(bins, g, h, node, dim, depth, leaf)
		for k := range t.leaf {
			t.leaf[k] *= rate
		}
		for i, k := range node {
			f[i] += t.leaf[k]
		}
		c.trees = append(c.trees, t)
	}
}

// cutsOf returns at most 254 values that part the column in bins of about equal count.
func cutsOf(x []float64, dim, j int) (cuts []float64) {
	var col []float64
	for i := j; i < len(x); i += dim {
		col = append(col, x[i])
	}
	slices.Sort(col)
	for k := 1; k < 255; k++ {
		v := col[k*len(col)/255]
		if v > col[0] && (len(cuts) == 0 || v > cuts[len(cuts)-1]) {
			cuts = append(cuts, v)
		}
	}
	return cuts
}

// binned replaces each number by how many cuts are at or below it.
func (c *Trees) binned(x []float64) []uint8 {
	b := make([]uint8, len(x))
	for i, v := range x {
		cuts := c.cuts[i%c.dim]
		k, found := slices.BinarySearch(cuts, v)
		if found {
			k++
		}
		b[i] = uint8(k)
	}
	return b
}

// sums are gradient, curvature and count of some rows.
type sums struct {
	g, h float64
	n    int
}

func (s *sums) add(o sums) { s.g, s.h, s.n = s.g+o.g, s.h+o.h, s.n+o.n }

// score is twice what the loss falls by if these rows share one leaf; leaf is that leaf's value, a Newton
// step with unit ridge.
func (s sums) score() float64 { return s.g * s.g / (s.h + 1) }
func (s sums) leaf() float64  { return -s.g / (s.h + 1) }

// grow builds a tree, and leaves in node the leaf of each row.
func grow(bins []uint8, g, h []float64, node []int, dim, depth, least int) tree {
	inner := 1<<depth - 1
	t := tree{col: make([]int32, inner), at: make([]uint8, inner), leaf: make([]float64, 1<<depth), depth: depth}
	clear(node)
	for level := range depth {
		width := 1 << level
		hist := make([]sums, width*dim*256)
		for i, k := range node {
			for j, b := range bins[i*dim : (i+1)*dim] {
				hist[(k*dim+j)*256+int(b)].add(sums{g[i], h[i], 1})
			}
		}
		for k := range width {
			best, col, at := 1e-6, int32(-1), 255
			var all sums
			for _, s := range hist[k*dim*256 : (k*dim+1)*256] {
				all.add(s)
			}
			for j := range dim {
				var left sums
				for b, s := range hist[(k*dim+j)*256 : (k*dim+j+1)*256] {
					left.add(s)
					right := sums{all.g - left.g, all.h - left.h, all.n - left.n}
					if s.n == 0 || left.n < least || right.n < least {
						continue
					}
					ls, rs, as := left.score(), right.score(), all.score()
					if gain := ls + rs - as; gain > best {
						best, col, at = gain, int32(j), b
					}
				}
			}
			t.col[width-1+k], t.at[width-1+k] = col, uint8(at)
		}
		for i, k := range node {
			node[i] = 2 * k
			if t.right(width-1+k, bins[i*dim:]) {
				node[i]++
			}
		}
	}
	leaves := make([]sums, 1<<depth)
	for i, k := range node {
		leaves[k].add(sums{g[i], h[i], 1})
	}
	for k, s := range leaves {
		t.leaf[k] = s.leaf()
	}
	return t
}

func (t *tree) right(k int, bins []uint8) bool {
	return t.col[k] >= 0 && bins[t.col[k]] > t.at[k]
}

// Scores implements Classifier.
func (c *Trees) Scores(dst, x []float64) {
	bins := c.binned(x)
	for i := range dst {
		sum := c.base
		row := bins[i*c.dim : (i+1)*c.dim]
		for k := range c.trees {
			t := &c.trees[k]
			at := 0
			for level := range t.depth {
				at *= 2
				if t.right(1<<level-1+at/2, row) {
					at++
				}
			}
			sum += t.leaf[at]
		}
		dst[i] = sum
	}
}
