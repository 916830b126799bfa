package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"pushforward/bench"
)

// serveFlag, as the only argument, makes this program one side of a comparison: it answers requests as
// bench/peers/peers.py does.
const serveFlag = "-serve"

// request is one line that a side reads.
type request struct {
	Do      string  `json:"do"` // "about", "measure" or "drop"
	Name    string  `json:"name,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Report  bool    `json:"report,omitempty"`
}

// answer is one line that a side writes: a value, or why there is none.
type answer struct {
	Name     string
	Value    float64
	Unit     string
	Limit    float64 // what Value could be at most, of one thread; 0: not known
	Skip     string
	Error    string
	Versions map[string]string
	More     map[string]float64 // nfe, err, loss, …
}

// UnmarshalJSON takes every number that has no place of its own for one of More.
func (a *answer) UnmarshalJSON(raw []byte) error {
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	*a = answer{}
	for k, v := range fields {
		switch v := v.(type) {
		case float64:
			switch k {
			case "value":
				a.Value = v
			case "limit":
				a.Limit = v
			case "threads", "runs":
			default:
				if a.More == nil {
					a.More = map[string]float64{}
				}
				a.More[k] = v
			}
		case string:
			switch k {
			case "name":
				a.Name = v
			case "unit":
				a.Unit = v
			case "skip":
				a.Skip = v
			case "error":
				a.Error = v
			}
		case map[string]any:
			if k == "versions" {
				a.Versions = map[string]string{}
				for d, version := range v {
					a.Versions[d] = fmt.Sprint(version)
				}
			}
		}
	}
	return nil
}

// serve answers requests until there are no more.
func serve(ctx context.Context, in io.Reader, out io.Writer, list []bench.Workload) error {
	ready := map[string]*stopwatch{}
	drop := func(name string) {
		if s := ready[name]; s != nil && s.job.Close != nil {
			s.job.Close()
		}
		delete(ready, name)
	}
	defer func() {
		for name := range ready {
			drop(name)
		}
	}()
	say := json.NewEncoder(out)
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var r request
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return err
		}
		line := map[string]any{"name": r.Name}
		switch r.Do {
		case "about":
			line["versions"] = map[string]string{"go": runtime.Version()}
		case "drop":
			drop(r.Name)
			runtime.GC()
		case "measure":
			if err := measureOne(ctx, ready, list, r, line); err != nil {
				line["error"] = err.Error()
			}
		default:
			line["error"] = fmt.Sprintf("what is %q?", r.Do)
		}
		if err := say.Encode(line); err != nil {
			return err
		}
	}
	return lines.Err()
}

func measureOne(ctx context.Context, ready map[string]*stopwatch, list []bench.Workload, r request, line map[string]any) error {
	s := ready[r.Name]
	if s == nil {
		for _, w := range list {
			if w.Name != r.Name {
				continue
			}
			job, err := w.Setup(ctx)
			if err != nil {
				return err
			}
			s = &stopwatch{workload: w, job: job}
			ready[r.Name] = s
		}
		if s == nil {
			line["skip"] = "no such workload"
			return nil
		}
	}
	limit := 0.0
	if s.job.Limit != nil {
		limit = s.job.Limit()
	}
	value, unit, err := s.measure(r.Seconds)
	if err != nil {
		return err
	}
	line["value"], line["unit"] = value, unit
	if s.job.Limit != nil {
		line["limit"] = (limit + s.job.Limit()) / 2 // before and after: the clock changes
	}
	if r.Report && s.job.Report != nil {
		for k, v := range s.job.Report() {
			line[k] = v
		}
	}
	return nil
}
