package verb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"pushforward/cfm"
	"pushforward/cfm/model"
	"pushforward/cmd/internal/progress"
	"pushforward/cmd/internal/runs"
)

const trainHelp = `train fits a flow to data and leaves a folder with the model, figures and pictures.

  train                                  the built-in digits, half a minute
  train -data moons -steps 5000          a toy law
  train -data table.csv -cond species    a table; species is given, not learned
  train -resume runs/20261125-moons      go on where a run was stopped

data
  -data NAME|FILE   digits penguins; gaussian 8gaussians 8gaussians-tight moons
                    moons-normal scurve rings checkerboard pinwheel spirals;
                    or a .csv .tsv .npy file, also with .gz        (digits)
  -cond A,B         columns that rows are given by: text or numbers
  -drop A,B         columns to leave out
  -holdout SHARE    rows nothing is fitted to                      (0.2)
  -scaling HOW      columns, global (one factor), logit ([0, 1]), none  (columns)
what is learned
  -family F         cfm; a discrete flow by exact likelihood: realnvp maf nsf; or kde, the rows
                    under kernels: no training, -path condot:σ is their width   (cfm)
  -anomaly          for score -anomaly: noise on training rows, views of held-out ones
  -source LAW       law at t = 0: normal or a toy law              (normal)
  -path P           condot[:σ] tube[:σ] vp ve cosine polynomial[:n] linearvp bridge[:σ]   (condot)
  -coupling C       independent ot cot[:weight|:share=s] sinkhorn[:reg] bridge[:σ] unbalanced
                    partial semidiscrete; :pool=k pairs k batches at once  (independent)
  -times LAW        of t in training: uniform stratified logit-normal[:mean:sd] power[:k]
                    (a quarter uniform, the rest power:2; images power:1)
  -steps N -batch N -lr RATE                  (3000, images 1000; 256; 0.003)
  -hidden N -blocks N  size of the network                         (by the data)
  -depth N          hidden layers a map of a discrete flow         (2)
  -objective sf2m   velocity and score of a Schrödinger bridge, path bridge:σ    (velocity)
  -objective nll    maximum likelihood through the solver, some hundred times dearer a step
                    (a network of 64×2)
  -from DIR|FILE    nll: go on from that model's weights      (320 steps of 512 rows at 0.001)
  -kinetic W -jacobian W  nll: weights of ∫‖v‖² dt and ∫‖∂v/∂x‖² dt        (0)
  -drop-cond SHARE  of rows without their conditions, for guidance                 (0)
  -seed N|random                                                   (0)
fewer steps
  -reflow DIR       straighten that run's flow: train on pairs of its own
  -rounds N -pairs N -distill  so often, on so many, at last a one-step net  (1; 16384; no)
  -sampler auto -sampler-error E  keep the cheapest solver with W₂ ≤ E·spread      (0.01)
the run
  -out DIR          its folder                                     (runs/TIME-NAME)
  -name NAME        names the folder instead of the data
  -force            overwrite a run in -out; allow -coupling ot under conditions
  -resume DIR       go on with a stopped run; settings stay as they were
  -config FILE      read settings from a config.json; flags override it
  -log N            steps between lines of metrics.jsonl           (20)
  -checkpoint TIME  between two saved states: what a kill can cost (5s)
  -workers N        cores to use; moves no bit of the result       (all)
  -quiet            no progress line        -version
`

// trainFlags are the flags of train that do not touch the result.
type trainFlags struct {
	out, name, resume, config string
	force, quiet              bool
	log                       int
	checkpoint                time.Duration
}

func train(e env, args []string) error {
	c := config{Data: digits}
	var tf trainFlags
	f := newFlags("train")
	c.define(f)
	f.StringVar(&tf.out, "out", "", "")
	f.StringVar(&tf.name, "name", "", "")
	f.StringVar(&tf.resume, "resume", "", "")
	f.StringVar(&tf.config, "config", "", "")
	f.BoolVar(&tf.force, "force", false, "")
	f.BoolVar(&tf.quiet, "quiet", false, "")
	f.IntVar(&tf.log, "log", 20, "")
	f.DurationVar(&tf.checkpoint, "checkpoint", 5*time.Second, "")
	workersFlag(f)
	if err := parse(e, f, trainHelp, args); err != nil {
		return err
	}
	if tf.log < 1 || tf.checkpoint < 0 {
		return misuse("-log %d, -checkpoint %v: out of range", tf.log, tf.checkpoint)
	}
	if tf.config != "" {
		// The file first, then the flags again over it.
		c = config{Data: digits}
		if err := c.readConfig(tf.config); err != nil {
			return err
		}
		c.made = made{}
		if err := f.Parse(args); err != nil {
			return misuse("%v", err)
		}
	}
	if err := c.check(); err != nil {
		return err
	}
	if tf.resume != "" {
		return resume(e, c, tf, setFlags(f))
	}
	if c.Reflow != "" {
		return straighten(e, c, tf, setFlags(f))
	}
	return fresh(e, c, tf)
}

// fresh trains a new run.
func fresh(e env, c config, tf trainFlags) error {
	fit, data, err := prepare(&c, tf.force)
	if err != nil {
		return err
	}
	name := tf.name
	if name == "" {
		name = data.name
	}
	dir := tf.out
	if dir == "" {
		dir = runs.NewDir(name, time.Now())
	}
	c.made = madeHere(name, data.sha)
	folder, err := runs.Create(dir, tf.force)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.WriteJSON(runs.Config, c); err != nil {
		return err
	}
	return (&session{e: e, c: c, tf: tf, data: data, fit: fit, folder: folder}).run()
}

// resume goes on with a run. Its settings are those it was started with.
func resume(e env, flags config, tf trainFlags, set map[string]bool) error {
	if _, err := os.Stat(tf.resume); err != nil {
		return unreadable(err)
	}
	folder, err := runs.Resume(tf.resume)
	if err != nil {
		return err
	}
	defer folder.Close()
	c, err := dirConfig(tf.resume)
	if err != nil {
		return err
	}
	if tf.out != "" && tf.out != tf.resume {
		return misuse("-out and -resume name two folders")
	}
	var differ []string
	for _, d := range flags.differences(c) {
		name, _, _ := strings.Cut(strings.TrimPrefix(d, "-"), " ")
		if set[name] || tf.config != "" {
			differ = append(differ, d)
		}
	}
	if len(differ) > 0 {
		return misuse("-resume %s: a run goes on with its own settings, these differ: %s", tf.resume, strings.Join(differ, ", "))
	}
	if c.Reflow != "" {
		return straightenOn(e, c, tf, folder)
	}
	was := c
	fit, data, err := prepare(&c, true)
	if err != nil {
		return err
	}
	if was.DataSum != "" && was.DataSum != data.sha {
		return refuse("-resume %s: %s has changed since the run was started", tf.resume, c.Data)
	}
	note, err := loadState(fit, folder, runs.State)
	if err != nil {
		return err
	}
	s := &session{e: e, c: c, tf: tf, data: data, fit: fit, folder: folder, before: folder.LastWall()}
	if note != "" {
		s.say("%s", note)
	}
	if fit.Step() >= fit.Options().Steps && folder.Has(runs.Model) && folder.Has(runs.Summary) {
		fmt.Fprintf(e.err, "%s is finished: %d steps\n", tf.resume, fit.Step())
		return s.again()
	}
	return s.run()
}

// loadState takes up the state of a name, or if that is damaged or gone the one before, and then says so. Without any the fit is
// at its beginning.
func loadState(fit *model.Fitter, folder *runs.Run, name string) (note string, err error) {
	read := func(name string) error {
		b, err := os.ReadFile(folder.Path(name))
		if err == nil {
			err = fit.Load(bytes.NewReader(b))
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", folder.Path(name), err)
		}
		return err
	}
	before := runs.Previous(name)
	switch {
	case folder.Has(name):
		if err = read(name); err == nil {
			return "", nil
		}
	case !folder.Has(before):
		return "", nil
	default:
		err = fmt.Errorf("%s is missing", folder.Path(name))
	}
	if folder.Has(before) && read(before) == nil {
		return fmt.Sprintf("note: %s; going on from the state before it, of step %d", oneLine(err), fit.Step()), nil
	}
	return "", fmt.Errorf("%w; no earlier state can be read, so start again: train -config %s -out %s -force",
		err, folder.Path(runs.Config), folder.Dir)
}

// prepare loads the data and makes the fit. It fills c with the settings in effect.
func prepare(c *config, force bool) (*model.Fitter, set, error) {
	opt, data, err := options(*c, force)
	if err != nil {
		return nil, data, err
	}
	if err := checkNames(opt); err != nil {
		return nil, data, err
	}
	fit, err := model.NewFitter(data.rows, opt)
	if err != nil {
		return nil, data, err
	}
	o := fit.Options()
	c.Family = o.Family
	c.Steps, c.Batch, c.LR, c.Hidden, c.Blocks = o.Steps, o.Batch, o.LR, o.Hidden, o.Blocks
	c.Depth = o.Depth
	c.Holdout, c.Scaling, c.Path, c.Coupling = o.Holdout, o.Scaling, o.Path, o.Coupling
	data.notes = append(data.notes, fit.Notes...)
	return fit, data, nil
}

// options loads the data and turns settings into options.
func options(c config, force bool) (model.Options, set, error) {
	data, err := load(c)
	if err != nil {
		return model.Options{}, data, err
	}
	opt := model.Options{
		Objective: c.Objective, DropCond: c.DropCond,
		Family: c.Family, Anomaly: c.Anomaly, Seed: c.Seed, Steps: c.Steps, Batch: c.Batch, LR: c.LR, Hidden: c.Hidden, Blocks: c.Blocks, Depth: c.Depth,
		Holdout: c.Holdout, Scaling: c.Scaling, Path: c.Path, Coupling: c.Coupling, Times: c.Times, Force: force,
		Levels: data.levels, Columns: data.columns, Conditions: data.conds, Given: data.given,
	}
	if data.law != nil && c.Family != model.KDE { // whose law is that of some rows
		opt.Law = data.law
	}
	if data.side > 0 {
		opt.Image = true
		if opt.Scaling == "" {
			opt.Scaling = model.Global
		}
	}
	if opt.Source, err = source(c.Source, len(data.columns)); err != nil {
		return opt, data, err
	}
	if opt.Source != nil {
		opt.SourceTag = c.Source
	}
	opt.Kinetic, opt.Jacobian = c.Kinetic, c.Jacobian
	if c.From != "" {
		if opt.Start, err = openModel(env{}, c.From); err != nil {
			return opt, data, err
		}
	}
	return opt, data, nil
}

// checkNames refuses names in flags before they are taken for bad data.
func checkNames(o model.Options) error {
	family, err := model.ParseFamily(o.Family)
	switch {
	case err != nil:
		return misuse("-family: %s", strings.TrimPrefix(err.Error(), "model: "))
	case family == model.KDE && (o.Coupling != "" && o.Coupling != "independent" || o.Source != nil):
		return misuse("-family %s is the law of the rows under kernels: -coupling and -source are for %s; -path condot:σ sets their width", family, model.CFM)
	case family != model.CFM && family != model.KDE && (o.Path != "" || o.Coupling != "" || o.Source != nil):
		return misuse("-family %s is trained by maximum likelihood from the standard normal law: -path, -coupling and -source are for %s", family, model.CFM)
	}
	if _, err := model.ParsePath(o.Path); err != nil {
		return misuse("-path: %s", strings.TrimPrefix(err.Error(), "model: "))
	}
	if _, _, err := model.ParseTimes(o.Times); err != nil {
		return misuse("-times: %s", strings.TrimPrefix(err.Error(), "model: "))
	} else if o.Times != "" && (family != model.CFM || o.Objective == model.Likelihood) {
		return misuse("-times %s: only flow matching draws times in training", o.Times)
	}
	c, err := model.ParseCoupling(o.Coupling)
	if err != nil {
		return misuse("-coupling: %s", strings.TrimPrefix(err.Error(), "model: "))
	}
	if !o.Force && len(o.Conditions) > 0 && !cfm.KnowsConditions(c) {
		return misuse("-coupling %s under conditions skews what is drawn; use cot, leave it independent, or -force it", o.Coupling)
	}
	switch o.Scaling {
	case "", model.Columns, model.Global, model.Logit, model.None:
		return nil
	}
	return misuse("-scaling: %q is not columns, global, logit or none", o.Scaling)
}

// session is one process's part in a run.
type session struct {
	e      env
	c      config
	tf     trainFlags
	data   set
	fit    *model.Fitter
	folder *runs.Run
	before float64 // seconds trained in earlier sessions

	start time.Time
	first int // the step this session began at

	state  string      // the file of the state; "": runs.State
	offset int         // steps of the rounds before, as metrics count them
	rounds []pass      // of a reflow: what was measured, the present round last
	pairs  [][]float64 // what the pairs are given
}

// run trains to the end, or until it is stopped, and reports.
func (s *session) run() error {
	s.announce()
	wall, err := s.train()
	if err != nil {
		return err
	}
	return s.finish(wall)
}

// train trains to the end, or until it is stopped, and returns the seconds it took.
func (s *session) train() (wall float64, err error) {
	metrics, err := s.folder.Metrics(s.offset + s.fit.Step())
	if err != nil {
		return 0, err
	}
	defer metrics.Close()
	if s.offset+s.fit.Step() == 0 {
		s.before = 0
	}
	s.first = s.fit.Step()
	var line *progress.Line
	if !s.tf.quiet {
		line = progress.New(s.e.err, s.first)
	}
	start, _ := s.fit.FromStart()
	if s.first == 0 && !math.IsNaN(start) {
		s.say("step 0: held-out loss %.5f, of the start; after each score training goes on from the best weights so far", start)
	}
	save := newSaver(s.folder, s.stateFile())
	var failed error // of a checkpoint or the log, met while training
	s.start = time.Now()
	last := s.start
	err = s.fit.Watch(s.e.ctx, func(p model.Progress) bool {
		line.Show(p.Step, p.Steps, p.Loss, p.Val)
		if p.HasVal && !math.IsNaN(start) {
			line.End()
			s.sayScore(p)
		}
		now := time.Now()
		if p.HasVal || p.Step%s.tf.log == 0 || p.Step == p.Steps {
			keep(&failed, metrics.Add(s.logLine(p, now)))
		}
		if now.Sub(last) >= s.tf.checkpoint && p.Step < p.Steps {
			last = now
			keep(&failed, save.start(s.fit))
		}
		return failed == nil
	})
	line.End()
	wall = time.Since(s.start).Seconds()
	keep(&failed, save.wait())
	switch {
	case failed != nil:
		return wall, s.unsaved(failed)
	case errors.Is(err, model.ErrDiverged):
		return wall, s.divergence(err)
	case err != nil && s.e.ctx.Err() == nil:
		return wall, err
	}
	if err := s.save(); err != nil {
		return wall, s.unsaved(err)
	}
	if err != nil {
		return wall, s.stopped()
	}
	return wall, nil
}

// stateFile is the file of the state.
func (s *session) stateFile() string {
	if s.state != "" {
		return s.state
	}
	return runs.State
}

// keep sets first to err unless it holds an error already.
func keep(first *error, err error) {
	if *first == nil {
		*first = err
	}
}

// announce says what is about to happen.
func (s *session) announce() {
	given := ""
	for i, c := range s.data.conds {
		given += []string{" given ", ", "}[min(i, 1)] + c.Name
	}
	shares := fmt.Sprintf("%d rows train, %d are held out", len(s.fit.Train()), len(s.fit.Held()))
	if s.data.law != nil && s.c.Family != model.KDE {
		shares = fmt.Sprintf("rows are drawn anew for each batch, %d are held out", len(s.fit.Held()))
	}
	s.say("%s: %d columns%s; %s", s.data.name, len(s.data.columns), given, shares)
	for _, n := range s.data.notes {
		s.say("note: %s", n)
	}
	from := ""
	if n := s.fit.Step(); n > 0 {
		from = fmt.Sprintf(", from step %d", n)
	}
	what := "network"
	switch s.c.Family {
	case model.CFM:
	case model.KDE:
		s.say("%s: the %d rows themselves under kernels of σ = %s in the model's scale; nothing is trained; folder %s",
			s.c.Family, len(s.fit.Train()), strings.TrimPrefix(s.c.Path, "condot:"), s.folder.Dir)
		return
	default:
		what = s.c.Family + ","
	}
	s.say("%s %d×%d, %d weights; %d steps of %d rows%s; seed %d; folder %s",
		what, s.c.Hidden, s.c.Blocks, s.fit.Weights(), s.c.Steps, s.c.Batch, from, s.c.Seed, s.folder.Dir)
}

// say tells the person and the run's log. A log that cannot be written is no reason to stop.
func (s *session) say(format string, a ...any) {
	text := fmt.Sprintf(format, a...)
	if !s.tf.quiet {
		fmt.Fprintln(s.e.err, text)
	}
	s.folder.Logf("%s", text)
}

// sayScore tells what became of the weights of a step that were scored, where training goes on from the best.
func (s *session) sayScore(p model.Progress) {
	_, at := s.fit.Val()
	switch {
	case p.Share == 0:
		s.say("step %d: held-out loss %.5f, and no better at 1/2, 1/4 or 1/8 of the way there: back to %.5f of step %d, at a quarter of the rate", p.Step, p.Own, p.Val, at)
	case p.Share < 1:
		s.say("step %d: held-out loss %.5f at 1/%.0f of the way to the new weights, where it is %.5f: the best, kept", p.Step, p.Val, 1/p.Share, p.Own)
	default:
		s.say("step %d: held-out loss %.5f: the best, kept", p.Step, p.Val)
	}
}

// logLine is one line of metrics.jsonl.
func (s *session) logLine(p model.Progress, now time.Time) runs.Line {
	wall := now.Sub(s.start).Seconds()
	l := runs.Line{Step: s.offset + p.Step, WallS: s.before + wall, Loss: p.Loss, GradNorm: p.GradNorm, LR: p.LR}
	if wall > 0 {
		l.RowsPerS = math.Round(float64((p.Step-s.first)*s.c.Batch) / wall)
	}
	if p.HasVal {
		l.ValLoss = &p.Val
		if p.Own > p.Val {
			l.ValOwn, l.ValShare = &p.Own, &p.Share
		}
	}
	return l
}

// save writes the state.
func (s *session) save() error { return s.folder.Replace(s.stateFile(), s.fit.Save) }

// unsaved adds to the error of a file that could not be written what there is left.
func (s *session) unsaved(err error) error {
	if !s.folder.Has(s.stateFile()) {
		return fmt.Errorf("%w; no state had been saved before", err)
	}
	return fmt.Errorf("%w; the state saved before is whole: make room and go on with -resume %s", err, s.folder.Dir)
}

// stopped says how to go on with a run that a signal ended.
func (s *session) stopped() error {
	fmt.Fprintf(s.e.err, "stopped after step %d of %d; the run is saved. Go on with:\n  %s -resume %s\n", s.fit.Step(), s.c.Steps, invocation(), s.folder.Dir)
	s.folder.Logf("stopped after step %d of %d", s.fit.Step(), s.c.Steps)
	return &problem{stopCode(s.e.ctx), errSilent}
}

// divergence tells of a run that met a number that is not finite. Its last checkpoint stays.
func (s *session) divergence(err error) error {
	kept := "no checkpoint had been written"
	if s.folder.Has(s.stateFile()) {
		kept = "the last checkpoint is in " + s.folder.Path(s.stateFile())
	}
	s.folder.Logf("%v", err)
	return fmt.Errorf("%w; %s", err, kept)
}

// invocation is how this command was called, for a line that a person can paste.
func invocation() string {
	if strings.Contains(os.Args[0], "go-build") {
		return "go run ./cmd/train"
	}
	if len(os.Args) > 1 && os.Args[1] == "train" {
		return os.Args[0] + " train"
	}
	return os.Args[0]
}

// saver writes checkpoints beside the training: the state is taken between two steps, its file written
// and synced while the next steps run.
type saver struct {
	folder *runs.Run
	name   string
	done   chan error // of the write under way; nil: none
}

func newSaver(folder *runs.Run, name string) *saver { return &saver{folder: folder, name: name} }

// start takes the state and begins to write it. It returns the error of the write before.
func (s *saver) start(fit *model.Fitter) error {
	if err := s.wait(); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := fit.Save(&b); err != nil {
		return err
	}
	done := make(chan error, 1)
	s.done = done
	go func() {
		done <- s.folder.Replace(s.name, func(w io.Writer) error {
			_, err := w.Write(b.Bytes())
			return err
		})
	}()
	return nil
}

// wait waits for a write under way.
func (s *saver) wait() error {
	if s.done == nil {
		return nil
	}
	err := <-s.done
	s.done = nil
	return err
}
