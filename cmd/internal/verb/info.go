package verb

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"

	"pushforward/autograd"
	"pushforward/cfm/dataset"
	"pushforward/cfm/model"
	"pushforward/simd"
)

const infoHelp = `info says what this machine and a model are.

  info                          version, tiers of instructions, built-in data
  info -model m.safetensors     a model's contents
  info -bits                    one line: the hash of everything computed here
  info -speed                   how fast the kernels are here, and what share of the
                                machine's peak that is; some ten seconds

  -model FILE|DIR   a model file, or a run's folder
  -bits             run every kernel, train, sample and score a small model and print
                    'bits SHA-256'; equal on every processor and tier
  -parts            with -bits, also the hash of each part, on standard error
  -workers N        cores to use; moves no bit of the result                   (all)
  -speed            measure products and elementwise functions on each tier, one thread
  -version

The variable SIMD=generic|neon|avx2|avx512 forces a tier.
`

func info(e env, args []string) error {
	var path string
	var bits, parts, fast bool
	f := newFlags("info")
	f.StringVar(&path, "model", "", "")
	f.BoolVar(&bits, "bits", false, "")
	f.BoolVar(&parts, "parts", false, "")
	f.BoolVar(&fast, "speed", false, "")
	workersFlag(f)
	if err := parse(e, f, infoHelp, args); err != nil {
		return err
	}
	switch {
	case bits:
		sum, err := bitsOf(e.ctx, func(name, sum string) {
			if parts {
				fmt.Fprintf(e.err, "%-17s %s\n", name, sum)
			}
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(e.out, "bits %s\n", sum)
		return nil
	case parts:
		return misuse("-parts goes with -bits")
	case fast:
		return speed(e.out, speedBudget)
	case path != "":
		return describe(e, path)
	}
	var tiers []string
	for _, l := range simd.Levels() {
		tiers = append(tiers, l.String())
	}
	fmt.Fprintf(e.out, "%s\ntiers     %s; in use: %v\ndata      digits, penguins; laws %s\n",
		version(), strings.Join(tiers, ", "), simd.Best[float32]().Level, strings.Join(dataset.ToyNames(), ", "))
	return nil
}

// describe prints a model's contents.
func describe(e env, path string) error {
	m, err := openModel(e, path)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	row := func(name, format string, a ...any) { fmt.Fprintf(w, "%s\t%s\n", name, fmt.Sprintf(format, a...)) }
	row("columns", "%d: %s", m.Dim, some(m.Columns))
	for _, c := range m.Conditions {
		if len(c.Classes) > 0 {
			row("given", "%s, one of %s", c.Name, some(c.Classes))
		} else {
			row("given", "%s, a number around %.4g ± %.4g", c.Name, c.Loc, c.Scale)
		}
	}
	if m.Levels > 0 {
		row("levels", "whole numbers 0 to %d, spread out as (k+u)/%d", m.Levels-1, m.Levels)
	}
	if m.HasField() {
		if m.FamilyName() == model.KDE {
			row("family", "%s: the training rows under Gaussian kernels, of the path's σ in the model's scale", m.FamilyName())
		}
		src := m.Source
		if src == "" {
			src = "standard normal"
		}
		row("time", "from the source (%s) at t = 0 to the data at t = 1", src)
		row("path", "%s, coupling %s", m.Path, m.Coupling)
		if m.Times != "" {
			row("times", "%s in training", m.Times)
		}
		switch {
		case m.Distilled:
			row("distilled", "to one Euler step: it has no density")
		case m.Reflow > 0:
			row("reflow", "%d rounds on pairs of its own", m.Reflow)
		case m.Score > 0:
			row("score", "known beside the velocity; drawn by the bridge of σ = %g, or without noise by -noise 0", m.Score)
		}
		if m.DropCond > 0 {
			row("guidance", "possible: %g of the rows were seen without conditions", m.DropCond)
		}
		if v := m.Sampler; v != nil {
			row("sampler", "%s: %.4g evaluations a row; W₂ %.2g and rows %.2g of the spread from the adaptive solver's, %g allowed", v, v.Evals, v.W2, v.Paired, v.Error)
		}
	} else {
		row("family", "%s: %d maps between standard normal latents and the data, by exact likelihood", m.FamilyName(), m.Blocks)
	}
	if m.Scale != nil {
		for j := range min(m.Dim, 8) {
			name := m.Columns[j]
			if m.Logit > 0 {
				name = "logit " + name
			}
			row("scaling", "%s = %.6g + %.6g·x", name, m.Loc[j], m.Scale[j])
		}
		if m.Dim > 8 {
			row("scaling", "and %d more", m.Dim-8)
		}
	}
	if m.FamilyName() == model.KDE {
		row("rows", "%d are the model: %d numbers", m.Rows, m.Weights())
	} else {
		row("network", "%d×%d, %d weights", m.Hidden, m.Blocks, m.Weights())
		row("trained", "%d rows, %d steps of %d, rate %g, seed %d", m.Rows, m.Steps, m.Batch, m.LR, m.Seed)
	}
	row("p-values", "rest on %d held-out rows", m.Calibration())
	var sum float64
	m.Tensors(func(name string, x autograd.Tensor[float32]) bool {
		sum = 0
		for _, v := range x.Data {
			sum += float64(v) * float64(v)
		}
		row("tensor", "%s\t%v\trms %.4g", name, x.Shape, math.Sqrt(sum/float64(max(len(x.Data), 1))))
		return true
	})
	return w.Flush()
}
