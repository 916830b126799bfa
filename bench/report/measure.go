package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"pushforward/bench"
)

// Comparison is one workload at one number of threads, ours first.
type Comparison struct {
	Name    string   `json:"name"`
	Threads int      `json:"threads"`
	Unit    string   `json:"unit"`
	Rounds  int      `json:"rounds"`
	Others  float64  `json:"others"`          // CPUs used by other processes: the worst of the measurements kept
	Limit   float64  `json:"limit,omitempty"` // median of what one thread could do at most, measured beside each of our rounds
	Sides   []Result `json:"sides"`

	limits []float64
}

// Result is what one side did.
type Result struct {
	Peer  string             `json:"peer"`
	Value Spread             `json:"value"`
	Ratio *Spread            `json:"ratio,omitempty"` // ours over this; nil for ours
	More  map[string]float64 `json:"more,omitempty"`
	Error string             `json:"error,omitempty"`

	rounds []float64
}

// enough is when no further round of a workload is begun, once there are three.
const enough = time.Minute

// disturbed is how many CPUs other processes may use during a measurement that counts.
const disturbed = 0.2

// measurer runs the sides of one number of threads.
type measurer struct {
	ctx     context.Context
	o       options
	threads int
	self    string
	python  string
	script  string
	sides   map[string]*side
	machine *Machine
	log     io.Writer
}

func measure(ctx context.Context, o options, out, log io.Writer) (Machine, []Comparison, error) {
	m := thisMachine(os.Args[1:])
	self, err := os.Executable()
	if err != nil {
		return m, nil, err
	}
	python, script := bench.Python(o.venv), ""
	if python == "" {
		m.LeftOut = "all peers: no Python environment; see bench/peers/setup.sh"
		fmt.Fprintln(log, "report: left out:", m.LeftOut)
	} else {
		dir, err := os.MkdirTemp("", "pushforward-report")
		if err != nil {
			return m, nil, err
		}
		defer os.RemoveAll(dir)
		if script, err = bench.WriteScripts(dir); err != nil {
			return m, nil, err
		}
	}
	var rows []Comparison
	for _, threads := range o.threads {
		x := &measurer{ctx: ctx, o: o, threads: threads, self: self, python: python, script: script,
			sides: map[string]*side{}, machine: &m, log: log}
		err := x.all(func(c Comparison) error {
			rows = append(rows, c)
			if o.json {
				return writeResults(out, Machine{}, []Comparison{c})
			}
			return nil
		})
		x.close()
		if err != nil {
			return m, rows, err
		}
	}
	if o.json { // last, since the versions are known now; readResults does not mind
		err = writeResults(out, m, nil)
	}
	return m, rows, err
}

func (x *measurer) all(done func(Comparison) error) error {
	for _, w := range bench.Workloads() {
		if !x.o.only.MatchString(w.Name) {
			continue
		}
		c, err := x.compare(w.Name)
		if err != nil {
			return err
		}
		fmt.Fprintln(x.log, oneLine(c))
		if err := done(c); err != nil {
			return err
		}
	}
	return nil
}

// names returns the sides that a workload has.
func (x *measurer) names(workload string) []string {
	list := []string{ours}
	if x.python == "" {
		return list
	}
	for _, p := range peers {
		if p.has.MatchString(workload) && x.o.peers.MatchString(p.name) {
			list = append(list, p.name)
		}
	}
	return list
}

// compare measures one workload, all sides in turns.
func (x *measurer) compare(workload string) (Comparison, error) {
	c := Comparison{Name: workload, Threads: x.threads}
	for _, name := range x.names(workload) {
		c.Sides = append(c.Sides, Result{Peer: name})
	}
	if strings.HasPrefix(workload, "cold/") {
		// A child's peak begins with that of its parent, so ours must be a fresh one.
		x.end(ours)
	}
	begin := time.Now()
	for c.Rounds = 0; c.Rounds < x.o.rounds && (c.Rounds < 3 || time.Since(begin) < enough); c.Rounds++ {
		order := make([]int, len(c.Sides))
		for i := range order {
			order[i] = i
		}
		if c.Rounds%2 == 1 {
			slices.Reverse(order)
		}
		for _, i := range order {
			if err := x.round(&c, &c.Sides[i]); err != nil {
				return c, err
			}
		}
	}
	if c.limits != nil {
		c.Limit = spread(c.limits).Mid
	}
	for i := range c.Sides {
		s := &c.Sides[i]
		if side := x.sides[s.Peer]; side != nil {
			if _, _, err := side.ask(request{Do: "drop", Name: workload}); err != nil {
				return c, err
			}
		}
		if s.Error != "" {
			continue
		}
		s.Value = spread(s.rounds)
		if i > 0 && c.Sides[0].Error == "" {
			r := ratio(c.Sides[0].rounds, s.rounds, c.Unit)
			s.Ratio = &r
		}
	}
	return c, nil
}

// round takes one measurement of one side, anew where the machine was disturbed. A side that fails is left out of the
// comparison from then on.
func (x *measurer) round(c *Comparison, r *Result) error {
	if r.Error != "" {
		return nil
	}
	s, err := x.side(r.Peer)
	if err != nil {
		return err
	}
	best, quiet := answer{}, 0.0
	for try := range 3 {
		a, others, err := s.ask(request{Do: "measure", Name: c.Name, Seconds: x.o.seconds, Report: len(r.rounds) == 0 && try == 0})
		if err = errors.Join(err, x.ctx.Err()); err != nil {
			return err
		}
		if a.Error != "" || a.Skip != "" {
			r.Error = a.Error + a.Skip
			return nil
		}
		if a.More != nil {
			r.More = a.More
		}
		first := len(r.rounds) == 0 && try == 0 // much of it is preparation, which is not judged
		if try == 0 || others < quiet {
			best, quiet = a, others
		}
		if others < disturbed || first && others < 2*disturbed {
			break
		}
	}
	c.Unit = best.Unit
	c.Others = max(c.Others, quiet)
	r.rounds = append(r.rounds, best.Value)
	if best.Limit > 0 {
		c.limits = append(c.limits, best.Limit)
	}
	return nil
}

// side returns the process of that name, started if it is not.
func (x *measurer) side(name string) (*side, error) {
	if s := x.sides[name]; s != nil {
		return s, nil
	}
	s, err := start(name, command(x.ctx, name, x.threads, x.self, x.python, x.script), x.log)
	if err != nil {
		return nil, err
	}
	x.sides[name] = s
	a, _, err := s.ask(request{Do: "about"})
	if err != nil {
		return nil, err
	}
	maps.Copy(x.machine.Versions, a.Versions)
	return s, nil
}

func (x *measurer) end(name string) {
	if s := x.sides[name]; s != nil {
		s.close()
		delete(x.sides, name)
	}
}

func (x *measurer) close() {
	for _, s := range x.sides {
		s.close()
	}
}

// writeResults writes a machine, unless it is the zero one, and comparisons as JSON lines.
func writeResults(out io.Writer, m Machine, rows []Comparison) error {
	e := json.NewEncoder(out)
	if m.CPU != "" {
		if err := e.Encode(m); err != nil {
			return err
		}
	}
	for _, c := range rows {
		if err := e.Encode(c); err != nil {
			return err
		}
	}
	return nil
}

// readResults reads what writeResults wrote, in any order and put together from several runs: of equal comparisons
// the last counts, of machines too, with the versions of all.
func readResults(in io.Reader) (Machine, []Comparison, error) {
	var m Machine
	var rows []Comparison
	d := json.NewDecoder(in)
	for {
		var both struct {
			Machine
			Comparison
		}
		if err := d.Decode(&both); errors.Is(err, io.EOF) {
			return m, rows, nil
		} else if err != nil {
			return m, rows, err
		}
		if both.CPU != "" {
			before := m.Versions
			m = both.Machine
			for k, v := range before {
				if _, found := m.Versions[k]; !found {
					m.Versions[k] = v
				}
			}
			continue
		}
		same := func(c Comparison) bool { return c.Name == both.Name && c.Threads == both.Threads }
		if i := slices.IndexFunc(rows, same); i >= 0 {
			rows[i] = both.Comparison
		} else {
			rows = append(rows, both.Comparison)
		}
	}
}
