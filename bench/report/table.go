package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// group is a table of the report.
type group struct{ prefix, title, note string }

var groups = []group{
	{"gemm/", "Matrix products, float32", "GFLOP/s. Names are batch×in×out: `nt` is a layer's forward product, `nn` dX, `tn` dW. The peak is that of multiply-adds on registers alone, in the same precision, measured beside each of our rounds: no ratio can exceed peak ÷ peer. `numpy` and `torch` include what Python takes for a call; `openblas` is numpy's library without it."},
	{"gemm64/", "Matrix products, float64", "GFLOP/s."},
	{"elem/", "Elementwise, float32", "Gelem/s over 1 Mi numbers and over 64 Ki. `gelu` is the erf form, `normal` draws standard normal numbers."},
	{"train/", "Training steps", "steps/s. Batch 256 (small), 1024 (medium, large); `jax-scan100` runs 100 steps in one call."},
	{"ot/", "Exact minibatch coupling", "ms, cost matrix included."},
	{"ode/", "Equations without a network", "solves/s of one Lorenz trajectory to an error of 1e-6 (ours `Dop853`, SciPy's `RK45`), rows/s of 10,000 Van der Pol rows with μ from 0.1 to 50 to 1e-5, median (diffrax under `vmap`). Each side at the tolerance that reaches it."},
	{"sample/", "Sampling 10,000 rows", "rows/s. The tolerance is in the name; `err` is the median error of a row against a float64 solve at 1e-10, `nfe` evaluations a row. We give each row its own steps, the peers the whole batch one."},
	{"density/", "Log-density of 1,000 rows, tolerance 1e-5", "rows/s. `err` is the median error of log p. Ours leaves log p out of the error norm unless the name says strict; the peers always have it in."},
	{"cnf/", "Maximum-likelihood step, tolerance 1e-5", "steps/s, batch 256, one probe. Strict as above."},
	{"hutchgrad/", "Gradient by θ of a Hutchinson estimate", "steps/s. The name says columns, width×hidden layers and batch; SiLU unless it says tanh. `torch` is its double backward."},
	{"conv/", "Convolution, forward and backward", "ms, by input and weights."},
	{"attention/", "Attention, forward and backward", "ms, by input and weights. The name says tokens×columns, heads and batch; projections included."},
	{"cold/", "Process start to 1,000 rows", "ms; `MiB` is the largest resident set."},
}

func groupOf(name string) group {
	for _, g := range groups {
		if strings.HasPrefix(name, g.prefix) {
			return g
		}
	}
	return group{title: "Other"}
}

// share returns how much a side has of what the registers could do, 0 where that is not known.
func share(c Comparison, s Result) float64 {
	if c.Limit == 0 || s.Error != "" {
		return 0
	}
	return s.Value.Mid / (c.Limit * float64(c.Threads))
}

func span(s Spread) string {
	return fmt.Sprintf("%s [%s..%s]", figure(s.Mid), figure(s.Lo), figure(s.Hi))
}

// extras writes nfe, err and their like, in order of name.
func extras(more map[string]float64) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(more)) {
		if k != "GFLOP" {
			parts = append(parts, k+" "+figure(more[k]))
		}
	}
	return strings.Join(parts, ", ")
}

// oneLine is a comparison for people who watch.
func oneLine(c Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, threads %d", c.Name, c.Threads)
	for _, s := range c.Sides {
		switch {
		case s.Error != "":
			fmt.Fprintf(&b, "; %s: %s", s.Peer, s.Error)
		case s.Ratio == nil:
			fmt.Fprintf(&b, ": %s %s", figure(s.Value.Mid), c.Unit)
		default:
			fmt.Fprintf(&b, "; %s ×%s", s.Peer, figure(s.Ratio.Mid))
		}
	}
	return b.String()
}

func writeText(out io.Writer, m Machine, rows []Comparison) error {
	for _, line := range m.lines() {
		fmt.Fprintln(out, line)
	}
	fmt.Fprintln(out, "\nmedian [min..max]; ratio: pushforward's speed over the peer's, of the medians [min..max of the rounds]")
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nworkload\tthreads\tside\tvalue\tunit\tratio\tmore")
	for _, c := range rows {
		for i, s := range c.Sides {
			name, threads, r, more := "", "", "", extras(s.More)
			if i == 0 {
				name, threads = c.Name, fmt.Sprint(c.Threads)
				if c.Others > disturbed {
					more = strings.Join(append(nonEmpty(more), fmt.Sprintf("others used %.1f CPU", c.Others)), ", ")
				}
			}
			if p := share(c, s); p > 0 {
				more = strings.Join(append(nonEmpty(more), percent(p)+" of peak"), ", ")
				if s.Ratio != nil {
					more += fmt.Sprintf(", so ratio at most %.2f", 1/p)
				}
			}
			if s.Ratio != nil {
				r = span(*s.Ratio)
			}
			value := span(s.Value)
			if s.Error != "" {
				value, more = "–", s.Error
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, threads, s.Peer, value, c.Unit, r, more)
		}
	}
	return w.Flush()
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// writeMarkdown writes the machine and a table for each group, one column a peer.
func writeMarkdown(out io.Writer, m Machine, rows []Comparison) error {
	var b strings.Builder
	for _, line := range m.lines() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	for _, g := range groups {
		var mine []Comparison
		var columns []string
		peak := false
		for _, c := range rows {
			if !strings.HasPrefix(c.Name, g.prefix) {
				continue
			}
			mine = append(mine, c)
			peak = peak || c.Limit > 0
		}
		for _, p := range peers {
			for _, c := range mine {
				if slices.ContainsFunc(c.Sides, func(s Result) bool { return s.Peer == p.name }) {
					columns = append(columns, p.name)
					break
				}
			}
		}
		if len(mine) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", g.title, g.note)
		head := []string{"workload", "threads", ours}
		if peak {
			head = append(head, "of peak")
		}
		head = append(head, columns...)
		fmt.Fprintf(&b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat(" --- |", len(head)))
		for _, c := range mine {
			name := c.Name
			if c.Others > disturbed {
				name += " †"
			}
			cells := []string{name, fmt.Sprint(c.Threads), cell(c.Sides[0])}
			if peak {
				cells = append(cells, percent(share(c, c.Sides[0])))
			}
			for _, p := range columns {
				text := ""
				for _, s := range c.Sides[1:] {
					if s.Peer == p {
						text = cell(s)
						if p := share(c, s); p > 0 {
							text += fmt.Sprintf("; %s of peak, at most ×%.2f", percent(p), 1/p)
						}
					}
				}
				cells = append(cells, text)
			}
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
		}
	}
	if slices.ContainsFunc(rows, func(c Comparison) bool { return c.Others > disturbed }) {
		fmt.Fprintf(&b, "\n† during a measurement other processes used more than %.1f of a CPU, three times over.\n", disturbed)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func percent(p float64) string { return fmt.Sprintf("%.0f %%", 100*p) }

// cell is one side's value with its ratio and figures.
func cell(s Result) string {
	if s.Error != "" {
		return "failed"
	}
	var parts []string
	if s.Ratio == nil {
		parts = append(parts, span(s.Value))
	} else {
		parts = append(parts, fmt.Sprintf("%s, **×%s** [%s..%s]", figure(s.Value.Mid), figure(s.Ratio.Mid), figure(s.Ratio.Lo), figure(s.Ratio.Hi)))
	}
	shown := map[string]float64{}
	for _, k := range []string{"err", "nfe", "MiB"} {
		if v, found := s.More[k]; found {
			shown[k] = v
		}
	}
	if more := extras(shown); more != "" {
		parts = append(parts, more)
	}
	return strings.Join(parts, "; ")
}

// headlines are the comparisons of the README's table.
var headlines = []string{
	"gemm/64x64x64-nn", "gemm/256x64x64-nt", "gemm/1024x1024x1024-nn", "elem/tanh-64Ki", "elem/gelu-64Ki", "elem/normal",
	"train/small", "train/medium", "train/large", "train/small-ot", "ot/dim2-n1024", "sample/small-1e-5", "sample/medium-1e-5",
	"density/small-exact-strict", "density/medium-hutchinson", "cnf/small-strict", "cold/sample1000",
}

// writeBrief writes a table of the headlines: ours and the fastest peer.
func writeBrief(out io.Writer, m Machine, rows []Comparison) error {
	var b strings.Builder
	b.WriteString("| workload | threads | pushforward | fastest peer | ratio |\n| --- | --- | --- | --- | --- |\n")
	for _, name := range headlines {
		for _, c := range rows {
			if c.Name != name {
				continue
			}
			best := fastest(c)
			peer, r := "–", "–"
			if best != nil {
				peer = fmt.Sprintf("%s %s", best.Peer, figure(best.Value.Mid))
				r = fmt.Sprintf("%s [%s..%s]", figure(best.Ratio.Mid), figure(best.Ratio.Lo), figure(best.Ratio.Hi))
			}
			fmt.Fprintf(&b, "| %s | %d | %s %s | %s | %s |\n", c.Name, c.Threads, figure(c.Sides[0].Value.Mid), c.Unit, peer, r)
		}
	}
	fmt.Fprintf(&b, "\n%s.\n", strings.Join(m.lines()[:min(3, len(m.lines()))], ". "))
	_, err := io.WriteString(out, b.String())
	return err
}

// fastest returns the peer that comes nearest to us or is farthest ahead.
func fastest(c Comparison) *Result {
	var best *Result
	for i, s := range c.Sides {
		if s.Ratio != nil && (best == nil || s.Ratio.Mid < best.Ratio.Mid) {
			best = &c.Sides[i]
		}
	}
	return best
}
