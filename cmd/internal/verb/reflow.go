package verb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"pushforward/cfm"
	"pushforward/cfm/model"
	"pushforward/cfm/ot"
	"pushforward/cmd/internal/runs"
)

// pass is what a round of reflow did, as summary.json keeps it.
type pass struct {
	Distill      bool      `json:"distill,omitempty"`
	Energy       []float64 `json:"path_energy"`           // before and, but for a distilled network, after
	Straightness []float64 `json:"straightness"`          // the same: the part of the energy that bends cost
	OneStep      *float64  `json:"w2_one_step,omitempty"` // of one Euler step's rows to real ones
	Adaptive     *float64  `json:"w2_adaptive,omitempty"` // of the adaptive solver's, before a distillation those of the flow distilled
}

func (p *pass) add(c cfm.Course) {
	p.Energy, p.Straightness = append(p.Energy, c.Energy), append(p.Straightness, c.Straightness())
}

func (p pass) String() string {
	var s string
	if len(p.Energy) == 2 {
		s = fmt.Sprintf("path energy %.4g → %.4g, straightness %.3g → %.3g (0 is straight)", p.Energy[0], p.Energy[1], p.Straightness[0], p.Straightness[1])
	} else if p.Distill {
		s = "distilled to one step"
	}
	return s + p.far()
}

// far tells how far one step's rows and the adaptive solver's are from real ones.
func (p pass) far() string {
	if p.OneStep == nil || p.Adaptive == nil {
		return ""
	}
	return fmt.Sprintf("; W₂ to real rows: one Euler step %.3g, adaptive %.3g", *p.OneStep, *p.Adaptive)
}

// ofTheRun are the settings that a reflow takes from the run it straightens.
var ofTheRun = strings.Fields("data cond drop family anomaly source path coupling times scaling hidden blocks holdout objective drop-cond")

// straighten starts a reflow of an earlier run.
func straighten(e env, c config, tf trainFlags, set map[string]bool) error {
	base, err := dirConfig(c.Reflow)
	if err != nil {
		return err
	}
	for _, name := range ofTheRun {
		if set[name] {
			return misuse("-%s: a reflow has the data, the source and the network of %s", name, c.Reflow)
		}
	}
	m, err := openModel(e, c.Reflow)
	if err != nil {
		return err
	}
	n := base
	n.made = made{}
	n.Times = "" // a round's are uniform
	n.Sampler, n.SamplerError, n.Reflow, n.Rounds, n.Pairs, n.Distill = c.Sampler, c.SamplerError, c.Reflow, c.Rounds, c.Pairs, c.Distill
	if set["steps"] {
		n.Steps = c.Steps
	}
	if set["batch"] {
		n.Batch = c.Batch
	}
	if set["lr"] {
		n.LR = c.LR
	}
	if set["seed"] {
		n.Seed = c.Seed
	}
	if n.Rounds == 0 && !n.Distill {
		if set["rounds"] {
			return misuse("-rounds 0 without -distill leaves nothing to do")
		}
		n.Rounds = 1
	}
	if n.Pairs == 0 {
		n.Pairs = model.DefaultPairs
	}
	opt, data, err := options(n, true)
	if err != nil {
		return err
	}
	if base.DataSum != "" && base.DataSum != data.sha && n.Seed == base.Seed {
		return refuse("-reflow %s: %s has changed since that run", c.Reflow, n.Data)
	}
	name := tf.name
	if name == "" {
		name = data.name + "-reflow"
	}
	dir := tf.out
	if dir == "" {
		dir = runs.NewDir(name, time.Now())
	}
	// What can be refused is refused before there is a folder.
	if _, err := m.Pairs(e.ctx, min(n.Pairs, 64), model.PairsOptions{Given: opt.Given}); err != nil {
		return err
	}
	n.made = madeHere(name, data.sha)
	folder, err := runs.Create(dir, tf.force)
	if err != nil {
		return err
	}
	defer folder.Close()
	// The model first: a folder that can be resumed has it.
	if err := folder.WriteFile(roundFile("model", 0), m.Write); err != nil {
		return err
	}
	if err := folder.WriteJSON(runs.Config, n); err != nil {
		return err
	}
	return (&session{e: e, c: n, tf: tf, data: data, folder: folder}).passes(opt)
}

// straightenOn goes on with a reflow. The folder has all it needs but the data.
func straightenOn(e env, c config, tf trainFlags, folder *runs.Run) error {
	opt, data, err := options(c, true)
	if err != nil {
		return err
	}
	if c.DataSum != "" && c.DataSum != data.sha {
		return refuse("-resume %s: %s has changed since the run was started", tf.resume, c.Data)
	}
	return (&session{e: e, c: c, tf: tf, data: data, folder: folder, before: folder.LastWall()}).passes(opt)
}

// roundFile is a file of a round.
func roundFile(what string, round int) string {
	return fmt.Sprintf("%s/%s-%d.safetensors", runs.Reflow, what, round)
}

// passes is the file of what was measured.
const passes = runs.Reflow + "/rounds.json"

// passes runs the rounds that are not done yet, and reports.
func (s *session) passes(opt model.Options) error {
	total := s.c.Rounds
	if s.c.Distill {
		total++
	}
	if b, err := os.ReadFile(s.folder.Path(passes)); err == nil {
		if err := json.Unmarshal(b, &s.rounds); err != nil {
			return refuse("%s: %v", s.folder.Path(passes), err)
		}
	}
	opt.Path, opt.Coupling, opt.Objective, opt.DropCond = "", "", "", 0
	k := 1
	for k < total && s.folder.Has(roundFile("model", k)) {
		k++
	}
	for ; k <= total; k++ {
		distill := k > s.c.Rounds
		m, err := openModel(s.e, s.folder.Path(roundFile("model", k-1)))
		if err != nil {
			return err
		}
		pairs, err := s.pairsOf(m, k, opt.Given)
		if err != nil {
			return s.unfinished(err)
		}
		opt.From, opt.Pairs, opt.Distill = m, pairs, distill
		if s.fit, err = model.NewFitter(s.data.rows, opt); err != nil {
			return err
		}
		o := s.fit.Options()
		s.c.Steps, s.c.Batch, s.c.LR, s.c.Hidden, s.c.Blocks = o.Steps, o.Batch, o.LR, o.Hidden, o.Blocks
		s.state, s.offset, s.pairs = roundFile("state", k), (k-1)*o.Steps, pairs.Given
		note, err := loadState(s.fit, s.folder, s.state)
		if err != nil {
			return err
		}
		if note != "" {
			s.say("%s", note)
		}
		if k == total && s.fit.Step() >= o.Steps && s.folder.Has(runs.Model) && s.folder.Has(runs.Summary) {
			fmt.Fprintf(s.e.err, "%s is finished: %d rounds of %d steps\n", s.folder.Dir, total, o.Steps)
			return s.again()
		}
		if len(s.rounds) < k {
			c, err := m.Course(s.e.ctx, followed, s.follow())
			if err != nil {
				return s.unfinished(err)
			}
			p := pass{Distill: distill}
			if !distill {
				p.add(c)
			}
			if err := s.worth(&p, m, true); err != nil {
				return s.unfinished(err)
			}
			s.rounds = append(s.rounds, p)
			s.say("before round %d: path energy %.4g, straightness %.3g (0 is straight)%s", k, c.Energy, c.Straightness(), p.far())
			if err := s.folder.WriteJSON(passes, s.rounds); err != nil {
				return err
			}
		}
		what := fmt.Sprintf("round %d of %d", k, total)
		if distill {
			what = "distillation"
		}
		s.say("%s: %d pairs; network %d×%d, %d weights; %d steps of %d rows; folder %s", what, pairs.X0.Rows(), s.c.Hidden, s.c.Blocks, s.fit.Weights(), s.c.Steps, s.c.Batch, s.folder.Dir)
		wall, err := s.train()
		if err != nil {
			return err
		}
		if k == total {
			return s.finish(wall)
		}
		s.before += wall
		if m, err = s.fit.Finish(s.e.ctx); err != nil {
			return s.unfinished(err)
		}
		if err := s.measureAfter(m); err != nil {
			return s.unfinished(err)
		}
		if err := s.folder.WriteFile(roundFile("model", k), m.Write); err != nil {
			return err
		}
		os.Remove(s.folder.Path(s.state)) // it is in the way of nothing if it stays
		os.Remove(s.folder.Path(runs.Previous(s.state)))
	}
	return nil
}

// pairsOf reads the pairs of a round, or makes and keeps them.
func (s *session) pairsOf(m *model.Model, k int, given [][]float64) (*model.Pairs, error) {
	path := s.folder.Path(roundFile("pairs", k))
	if b, err := os.ReadFile(path); err == nil {
		p, err := m.ReadPairs(bytes.NewReader(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return p, nil
	}
	start := time.Now()
	p, err := m.Pairs(s.e.ctx, s.c.Pairs, model.PairsOptions{Seed: s.c.Seed, Round: k, Given: given})
	if err != nil {
		return nil, err
	}
	s.say("%d pairs of the flow made in %.1f s", s.c.Pairs, time.Since(start).Seconds())
	return p, s.folder.WriteFile(roundFile("pairs", k), p.Write)
}

// followed is how many rows a course is measured on, and judgedRows how many a distance.
const (
	followed   = 2048
	judgedRows = 1024
)

// follow says which rows are followed.
func (s *session) follow() model.SampleOptions {
	o := model.SampleOptions{Seed: s.c.Seed}
	if s.pairs != nil {
		for i := range followed {
			o.Given = append(o.Given, s.pairs[i%len(s.pairs)])
		}
	}
	return o
}

// measureAfter completes the present round's figures by those of the model it made.
func (s *session) measureAfter(m *model.Model) error {
	k := len(s.rounds)
	if k == 0 || s.c.Reflow == "" {
		return nil
	}
	p := &s.rounds[k-1]
	if !m.Distilled && len(p.Energy) < 2 {
		c, err := m.Course(s.e.ctx, followed, s.follow())
		if err != nil {
			return err
		}
		p.add(c)
	}
	if err := s.worth(p, m, !m.Distilled); err != nil {
		return err
	}
	s.say("after round %d: %s", k, p)
	return s.folder.WriteJSON(passes, s.rounds)
}

// worth measures W₂ of rows drawn in one step, and adaptively, to real ones. Under conditions there is no one law to
// compare with.
func (s *session) worth(p *pass, m *model.Model, adaptive bool) error {
	if len(m.Conditions) > 0 {
		return nil
	}
	real := s.fit.Held()
	if len(real) == 0 {
		real = s.fit.Train()
	}
	rows := pick(s.data.rows, real[:min(len(real), judgedRows)])
	y := s.units(m, rows)
	dist := func(v model.Solver) (*float64, error) {
		got, err := m.Sample(s.e.ctx, len(rows), model.SampleOptions{Seed: s.c.Seed, Solver: v})
		if err != nil {
			return nil, err
		}
		w, err := ot.W2(s.units(m, got.Rows), y, m.Dim)
		return num(w), err
	}
	var err error
	if p.OneStep, err = dist(model.Solver{Method: "euler", Step: 1}); err == nil && adaptive {
		p.Adaptive, err = dist(model.Solver{Method: "dopri5"})
	}
	return err
}

// tuned finds the model's sampler if that was asked for.
func (s *session) tuned(m *model.Model) (*model.Model, []model.Tried, error) {
	if s.c.Sampler != "auto" || m.Distilled {
		return m, nil, nil
	}
	given := s.givenHeld(m)
	t, tried, err := m.Tuned(s.e.ctx, model.TuneOptions{Error: s.c.SamplerError, Seed: s.c.Seed, Given: given})
	switch {
	case errors.Is(err, model.ErrNoSampler):
		s.say("note: %s; rows stay drawn adaptively", strings.TrimPrefix(err.Error(), "model: sampler: cfm: tune: "))
		return m, edge(tried), nil
	case err != nil:
		return m, nil, err
	}
	return t, edge(tried), nil
}

// edge keeps those that are more exact than all that cost no more: the others are no choice.
func edge(tried []model.Tried) (kept []model.Tried) {
	for _, t := range tried {
		beaten := math.IsInf(t.W2, 0)
		for _, u := range tried {
			beaten = beaten || u.Evals <= t.Evals && u.W2 < t.W2
		}
		if !beaten {
			kept = append(kept, t)
		}
	}
	return kept
}
