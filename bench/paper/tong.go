package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"pushforward/autograd"
	"pushforward/cfm"
	"pushforward/cfm/dataset"
	"pushforward/nn"
	"pushforward/optim"
	"pushforward/simd/rng"
)

// Table 2 of Tong et al. 2024: flow matching in the plane between four pairs of laws, with independent and with
// optimal-transport couplings of minibatches of 256, after 20,000 steps.
//
// Judged are the distance W₂ of 2,048 rows drawn from the flow and 2,048 of the target, with equal counts in each of
// the target's modes, and the normalised path energy |E - W₂²|/W₂², with the energy E of 8,192 paths and W₂ between
// source and target. A single W₂ of that size is mostly chance (thirty pairs of real samples of moons were 0.10 to 0.31 apart), so
// it is the mean over three samples of the flow, each against three of the target. Both sides are judged by this program: the peer's fields, which bench/peers/tong.py trains, are
// carried, balanced and compared as ours are. "same net" is torchcfm's MLP (3 × 64 SELU) with σ = 0, uniform t as
// torchcfm's but stratified, Adam with a cosine rate, averaged weights. (The trainer's own law of t, denser near the data,
// cost that small network a tenth of W₂ on N→8gaussians.) "default net" is cfm.Net with its defaults, trained alike.
// -only finds names such as "N→moons OT-CFM, same net".

const (
	tongRows   = 2048
	tongTraced = 8192
	tongDraws  = 3 // samples of tongRows, taken from tongTraced rows
	tongSteps  = 20000
	chords     = 100
)

func init() {
	tables = append(tables, Table{
		Name:  "tong",
		About: "Tong et al. 2024, table 2: W₂ and normalised path energy of flow matching in the plane",
		Seeds: 5,
		Run:   tong,
	})
}

// published are mean and standard deviation as printed in the paper.
type published struct{ mean, sd float64 }

// tongCase is a pair of laws with the published figures: of I-CFM and of OT-CFM.
type tongCase struct {
	name, source, target string
	w2, npe              [2]published
	bar                  float64 // of OT-CFM's normalised path energy
}

var tongCases = []tongCase{
	{"N→8gaussians", "normal", "8gaussians", [2]published{{1.284, 0.384}, {1.262, 0.348}}, [2]published{{0.222, 0.032}, {0.018, 0.014}}, 0.02},
	{"moons→8gaussians", "moons", "8gaussians", [2]published{{1.977, 0.266}, {1.923, 0.391}}, [2]published{{2.738, 0.181}, {0.053, 0.035}}, 0.06},
	{"N→moons", "normal", "moons", [2]published{{0.338, 0.109}, {0.239, 0.048}}, [2]published{{0.841, 0.148}, {0.087, 0.061}}, 0.09},
	{"N→scurve", "normal", "scurve", [2]published{{0.333, 0.060}, {0.264, 0.093}}, [2]published{{0.867, 0.117}, {0.027, 0.026}}, 0.03},
}

// tongMethods are the couplings, as the paper and as the files of the peer's fields call them.
var tongMethods = [2]struct {
	name, file string
	coupling   cfm.Coupling
}{
	{"I-CFM", "icfm", cfm.Independent{}},
	{"OT-CFM", "otcfm", cfm.ExactOT{}},
}

// The columns of the table.
const (
	colPublished = "published"
	colPeer      = "torchcfm"
	colSame      = "same net"
	colDefault   = "default net"
	colFloor     = "real"
)

var tongNets = [2]string{colSame, colDefault}

// The metrics.
const (
	metricW2     = "W₂, 2,048 points"
	metricNPE    = "path energy, normalised"
	metricUneven = "shares of modes, total variation"
)

func tong(ctx context.Context, r *Run) error {
	for _, c := range tongCases {
		laws, wanted := c.laws(), false
		for _, m := range tongMethods {
			for _, own := range tongNets {
				wanted = wanted || r.Want(c.name+" "+m.name+", "+own)
			}
		}
		if !wanted {
			continue
		}
		floor, sq, err := c.floor(laws)
		if err != nil {
			return err
		}
		r.Log("%s: real samples are %s apart; W₂ of source and target %s", c.name, digits(floor), digits(math.Sqrt(sq)))
		for k, m := range tongMethods {
			name := c.name + " " + m.name
			var nets []string
			for _, own := range tongNets {
				if r.Want(name + ", " + own) {
					nets = append(nets, own)
				}
			}
			if nets == nil {
				continue
			}
			peer, err := c.peer(ctx, r, k, laws, sq)
			if err != nil {
				return err
			}
			figures := []Figure{
				{Method: colPublished, Metric: metricW2, Mean: c.w2[k].mean, SD: c.w2[k].sd, N: 5},
				{Method: colPublished, Metric: metricNPE, Mean: c.npe[k].mean, SD: c.npe[k].sd, N: 5},
				{Method: colFloor, Metric: metricW2, Mean: floor},
			}
			figures = append(figures, peer.figures(colPeer)...)
			for _, own := range nets {
				var s scores
				for seed := range r.Seeds {
					f, err := c.train(ctx, own, m.coupling, laws, uint64(seed))
					if err != nil {
						return err
					}
					if err := s.add(ctx, f, c, laws, sq, uint64(seed)); err != nil {
						return err
					}
					r.Log("%s, %s, seed %d: W₂ %s, path energy %s", name, own, seed, digits(last(s.w2)), digits(last(s.npe)))
				}
				ours := s.figures(own)
				if own == colSame && len(peer.w2) > 0 {
					p := Figure{Values: peer.w2}
					p.complete()
					ours[0].Bar = p.Mean + p.SD/math.Sqrt(float64(p.N))
				}
				if own == colDefault {
					ours[0].Bar = 1.5 * floor
				}
				if m.file == "otcfm" {
					ours[1].Bar = c.bar
				}
				figures = append(figures, ours...)
			}
			for _, f := range figures {
				f.Case = name
				if err := r.Add(f); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// laws returns source and target; a nil source is the standard normal law.
func (c tongCase) laws() (l [2]dataset.Law) {
	for i, name := range []string{c.source, c.target} {
		if name == "normal" {
			continue
		}
		var err error
		if l[i], err = dataset.Toy(name); err != nil {
			panic(err)
		}
	}
	return l
}

// floor returns the median distance of ten pairs of samples of the target, and the mean of W₂² between source and
// target over five.
func (c tongCase) floor(laws [2]dataset.Law) (floor, sq float64, err error) {
	key := rng.New(0).Named("paper").Named(c.name)
	sample := func(k int, name string, i int) []float64 {
		x := draw(laws[k], tongTraced, key.Named(name).Fold(uint64(i)))
		names := [2]string{c.source, c.target}
		y, _ := modesOf(names[k]).balance(x, tongRows, 1)
		return y[0]
	}
	var pairs []float64
	for i := range 10 {
		d, err := w2(sample(1, "x", i), sample(1, "y", i))
		if err != nil {
			return 0, 0, err
		}
		pairs = append(pairs, d)
	}
	for i := range 5 {
		d, err := w2(sample(0, "source", i), sample(1, "target", i))
		if err != nil {
			return 0, 0, err
		}
		sq += float64(d*d) / 5
	}
	return median(pairs), sq, nil
}

// train returns a flow after 20,000 steps.
func (c tongCase) train(ctx context.Context, own string, coupling cfm.Coupling, laws [2]dataset.Law, seed uint64) (*cfm.Flow[float32], error) {
	key := rng.New(seed)
	params := nn.NewParams[float32]()
	f := &cfm.Flow[float32]{Dim: 2}
	if own == colSame {
		f.Field = torchcfmNet(params)
	} else {
		f.Field = cfm.NewNet(params.Root(), cfm.NetConfig{Dim: 2})
	}
	f.Theta = params.Init(key.Named("init"))
	if laws[0] != nil {
		f.Source = cfm.FromLaw(laws[0])
	}
	t := &cfm.Trainer[float32]{
		Flow: f, Data: fresh{laws[1]}, Coupling: coupling, Batch: 256, Steps: tongSteps,
		Loss: cfm.Match(f.Field, nil, cfm.UniformTime),
		LR:   optim.Cosine(3e-3, 100, tongSteps), Key: key.Named("train"),
	}
	if err := t.Run(ctx); err != nil {
		return nil, err
	}
	return t.Averaged(), nil
}

// torchcfmNet declares torchcfm's MLP for the plane: its state dict has the same names.
func torchcfmNet(params *nn.Params[float32]) cfm.Field[float32] {
	return cfm.NewMLPField(params.Root(), 2, 64, 3, autograd.Var[float32].SELU)
}

// scores are what the fields of one method got, seed by seed.
type scores struct{ w2, npe, uneven []float64 }

// add scores one more field.
func (s *scores) add(ctx context.Context, f *cfm.Flow[float32], c tongCase, laws [2]dataset.Law, sq float64, seed uint64) error {
	key := rng.New(seed).Named("paper").Named(c.name).Named("score")
	x, energy, err := trace(ctx, f, draw(laws[0], tongTraced, key.Named("source")), chords)
	if err != nil {
		return err
	}
	m := modesOf(c.target)
	xs, uneven := m.balance(x, tongRows, tongDraws)
	ys, _ := m.balance(draw(laws[1], tongTraced, key.Named("target")), tongRows, tongDraws)
	d := 0.0
	for _, x := range xs {
		for _, y := range ys {
			one, err := w2(x, y)
			if err != nil {
				return err
			}
			d += one / (tongDraws * tongDraws)
		}
	}
	s.w2, s.npe, s.uneven = append(s.w2, d), append(s.npe, math.Abs(energy-sq)/sq), append(s.uneven, uneven)
	return nil
}

// figures returns the figures, W₂ first, path energy second.
func (s *scores) figures(method string) []Figure {
	if len(s.w2) == 0 {
		return nil
	}
	all := []Figure{{Method: method, Metric: metricW2, Values: s.w2}, {Method: method, Metric: metricNPE, Values: s.npe}}
	for _, v := range s.uneven {
		if v != 0 {
			return append(all, Figure{Method: method, Metric: metricUneven, Values: s.uneven})
		}
	}
	return all
}

// torchcfmLines are what -json printed of the peer's fields: see testdata/PROVENANCE.md.
//
//go:embed testdata/torchcfm.jsonl
var torchcfmLines []byte

// peer returns the scores of torchcfm's fields: of those in the folder named by -peer, else the stored ones.
func (c tongCase) peer(ctx context.Context, r *Run, method int, laws [2]dataset.Law, sq float64) (s scores, err error) {
	name := c.name + " " + tongMethods[method].name
	if r.Peer == "" {
		lines := bufio.NewScanner(bytes.NewReader(torchcfmLines))
		for lines.Scan() {
			var f struct {
				Case, Metric, Method string
				Values               []float64
			}
			if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
				return s, fmt.Errorf("torchcfm.jsonl: %w", err)
			}
			if f.Case != name || f.Method != colPeer {
				continue
			}
			switch f.Metric {
			case metricW2:
				s.w2 = f.Values
			case metricNPE:
				s.npe = f.Values
			case metricUneven:
				s.uneven = f.Values
			}
		}
		return s, lines.Err()
	}
	for seed := 0; ; seed++ {
		path := filepath.Join(r.Peer, fmt.Sprintf("%s_%s_%s_%d.safetensors", c.source, c.target, tongMethods[method].file, seed))
		raw, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			if seed == 0 {
				return s, fmt.Errorf("-peer %s: there is no %s; bench/peers/tong.py makes it", r.Peer, filepath.Base(path))
			}
			return s, nil
		}
		if err != nil {
			return s, err
		}
		params := nn.NewParams[float32]()
		f := &cfm.Flow[float32]{Dim: 2, Field: torchcfmNet(params)}
		f.Theta = params.Init(rng.New(0))
		if _, err := params.Load(bytes.NewReader(raw), f.Theta); err != nil {
			return s, fmt.Errorf("%s: %w", path, err)
		}
		if laws[0] != nil {
			f.Source = cfm.FromLaw(laws[0])
		}
		if err := s.add(ctx, f, c, laws, sq, uint64(seed)); err != nil {
			return s, err
		}
		r.Log("%s, torchcfm, seed %d: W₂ %s, path energy %s", name, seed, digits(last(s.w2)), digits(last(s.npe)))
	}
}

func last(v []float64) float64 { return v[len(v)-1] }
