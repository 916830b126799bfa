package cfm

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"pushforward/nn"
	"pushforward/optim"
)

// Save writes all that the next step depends on, as a safetensors stream: theta, the
// optimizer's vectors as opt.NAME, the average as ema, the best average as best, and their
// counters in the metadata. Batches are functions of the step and need nothing.
func (t *Trainer[F]) Save(w io.Writer) error {
	r := t.setup()
	f := &nn.File{Meta: map[string]string{
		"format": "1",
		"step":   strconv.Itoa(r.step),
		"batch":  strconv.Itoa(r.Batch),
		"shards": strconv.Itoa(r.Shards),
		"key":    r.fingerprint(),
	}}
	f.Add("theta", r.Flow.Theta)
	if o, ok := r.Opt.(optim.Resumable[F]); ok {
		o.Init(len(r.Flow.Theta))
		f.Meta["opt_step"] = strconv.Itoa(o.StepCount())
	}
	for name, v := range r.Opt.State() {
		f.Add("opt."+name, v)
	}
	if r.ema != nil && r.ema.Theta != nil {
		f.Add("ema", r.ema.Theta)
		f.Meta["ema_step"] = strconv.Itoa(r.ema.StepCount())
	}
	if r.best != nil {
		f.Add("best", r.best)
		f.Meta["best_step"] = strconv.Itoa(r.bestS)
		f.Meta["best_loss"] = strconv.FormatFloat(r.bestL, 'x', -1, 64)
	}
	if r.Guard {
		f.Meta["damp"] = strconv.FormatFloat(r.damp, 'x', -1, 64)
		f.Meta["went_back"] = strconv.Itoa(r.back)
	}
	return nn.WriteSafetensors(w, f)
}

// Load restores what Save wrote, into a trainer of the same configuration: batch, shards and
// key must be equal. Arrays and metadata it does not know are passed over. On an error the
// trainer is as it was, unless its state could not hold what was read.
func (t *Trainer[F]) Load(rd io.Reader) error {
	r := t.setup()
	f, err := nn.ReadSafetensors(rd, -1)
	if err != nil {
		return fmt.Errorf("cfm: trainer state: %w", err)
	}
	if err := r.restore(f); err != nil {
		return fmt.Errorf("cfm: trainer state: %w", err)
	}
	return nil
}

// fingerprint tells keys apart.
func (r *training[F]) fingerprint() string {
	return fmt.Sprintf("%016x", r.Key.Named("fingerprint").Uint64(0))
}

func (r *training[F]) restore(f *nn.File) error {
	want := map[string]string{"format": "1", "batch": strconv.Itoa(r.Batch), "shards": strconv.Itoa(r.Shards), "key": r.fingerprint()}
	for _, k := range []string{"format", "batch", "shards", "key"} {
		if got := f.Meta[k]; got != want[k] {
			return fmt.Errorf("%s is %q, this trainer's is %q", k, got, want[k])
		}
	}
	var step, optStep, emaStep, bestStep, back int
	bestLoss, damp := 0.0, 1.0
	for _, c := range []struct {
		name string
		dst  *int
	}{{"step", &step}, {"opt_step", &optStep}, {"ema_step", &emaStep}, {"best_step", &bestStep}, {"went_back", &back}} {
		s, ok := f.Meta[c.name]
		if !ok && c.dst != &step {
			continue
		}
		v, err := strconv.Atoi(s)
		if err != nil || v < 0 {
			return fmt.Errorf("%s is %q: %w", c.name, s, nn.ErrFormat)
		}
		*c.dst = v
	}
	for _, c := range []struct {
		name string
		dst  *float64
	}{{"best_loss", &bestLoss}, {"damp", &damp}} {
		if s, ok := f.Meta[c.name]; ok {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return fmt.Errorf("%s is %q: %w", c.name, s, nn.ErrFormat)
			}
			*c.dst = v
		}
	}

	// All arrays are looked at before any is copied.
	n := len(r.Flow.Theta)
	opt, resumable := r.Opt.(optim.Resumable[F])
	if resumable {
		opt.Init(n)
	}
	type array struct {
		name string
		dst  []F
	}
	all := []array{{"theta", r.Flow.Theta}}
	for name, v := range r.Opt.State() {
		all = append(all, array{"opt." + name, v})
	}
	var ema, best []F
	if f.Find("ema") != nil {
		ema = make([]F, n)
		all = append(all, array{"ema", ema})
	}
	if f.Find("best") != nil {
		best = make([]F, n)
		all = append(all, array{"best", best})
	}
	known := 0
	for _, v := range all {
		a := f.Find(v.name)
		if a == nil {
			return fmt.Errorf("%q is missing: %w", v.name, nn.ErrFormat)
		}
		if a.Len() != len(v.dst) {
			return fmt.Errorf("%q has %d entries, want %d: %w", v.name, a.Len(), len(v.dst), nn.ErrFormat)
		}
		if strings.HasPrefix(v.name, "opt.") {
			known++
		}
	}
	for i := range f.Arrays {
		if strings.HasPrefix(f.Arrays[i].Name, "opt.") {
			known--
		}
	}
	if known != 0 {
		return fmt.Errorf("the state is another optimizer's: %d vectors more than this one has", -known)
	}
	for _, v := range all {
		if err := nn.Fill(v.dst, f.Find(v.name)); err != nil {
			return err
		}
	}
	if resumable {
		opt.SetStep(optStep)
	}
	r.stop() // batches prepared ahead are for other steps
	r.step, r.damp, r.back = step, damp, back
	r.best, r.bestL, r.bestS = best, bestLoss, bestStep
	if best == nil {
		r.bestL, r.bestS = math.Inf(1), 0
	}
	if r.ema != nil {
		r.ema.Theta = ema
		r.ema.SetStep(emaStep)
	}
	for _, tp := range r.tapes {
		tp.ThetaChanged()
	}
	return nil
}
