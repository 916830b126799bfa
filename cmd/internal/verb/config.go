package verb

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"

	"pushforward/cfm/model"
	"pushforward/cmd/internal/runs"
	"pushforward/simd"
)

// config is what decides a run's result: all of it is in config.json, and nothing else is needed to get
// the same model again. Zero fields mean the defaults of cfm/model.
type config struct {
	Data     string  `json:"data"`
	Cond     string  `json:"cond"`
	Drop     string  `json:"drop"`
	Family   string  `json:"family"`
	Anomaly  bool    `json:"anomaly"`
	Source   string  `json:"source"`
	Path     string  `json:"path"`
	Coupling string  `json:"coupling"`
	Times    string  `json:"times,omitempty"`
	Scaling  string  `json:"scaling"`
	Steps    int     `json:"steps"`
	Batch    int     `json:"batch"`
	LR       float64 `json:"lr"`
	Hidden   int     `json:"hidden"`
	Blocks   int     `json:"blocks"`
	Depth    int     `json:"depth"`
	Holdout  float64 `json:"holdout"`
	Seed     uint64  `json:"seed"`

	Objective    string  `json:"objective,omitempty"`
	From         string  `json:"from,omitempty"` // the model that -objective nll goes on from
	Kinetic      float64 `json:"kinetic,omitempty"`
	Jacobian     float64 `json:"jacobian,omitempty"`
	DropCond     float64 `json:"drop-cond,omitempty"`
	Sampler      string  `json:"sampler,omitempty"`
	SamplerError float64 `json:"sampler-error,omitempty"`
	Reflow       string  `json:"reflow,omitempty"` // the run whose flow is straightened
	Rounds       int     `json:"rounds,omitempty"`
	Pairs        int     `json:"pairs,omitempty"`
	Distill      bool    `json:"distill,omitempty"`

	made
}

// made says what a run was made by and from. It is written to config.json and not read as a setting.
type made struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Go      string `json:"go"`
	GOOS    string `json:"goos"`
	GOARCH  string `json:"goarch"`
	Tier    string `json:"tier"`
	DataSum string `json:"data_sha256"`
}

func madeHere(name, sum string) made {
	return made{
		Name: name, Version: Version, Go: runtime.Version(), GOOS: runtime.GOOS, GOARCH: runtime.GOARCH,
		Tier: simd.Best[float32]().Level.String(), DataSum: sum,
	}
}

// define makes a flag of each setting. Their defaults are c's values.
func (c *config) define(f *flag.FlagSet) {
	f.StringVar(&c.Data, "data", c.Data, "")
	f.StringVar(&c.Cond, "cond", c.Cond, "")
	f.StringVar(&c.Drop, "drop", c.Drop, "")
	f.StringVar(&c.Family, "family", c.Family, "")
	f.BoolVar(&c.Anomaly, "anomaly", c.Anomaly, "")
	f.StringVar(&c.Source, "source", c.Source, "")
	f.StringVar(&c.Path, "path", c.Path, "")
	f.StringVar(&c.Coupling, "coupling", c.Coupling, "")
	f.StringVar(&c.Times, "times", c.Times, "")
	f.StringVar(&c.Scaling, "scaling", c.Scaling, "")
	f.IntVar(&c.Steps, "steps", c.Steps, "")
	f.IntVar(&c.Batch, "batch", c.Batch, "")
	f.Float64Var(&c.LR, "lr", c.LR, "")
	f.IntVar(&c.Hidden, "hidden", c.Hidden, "")
	f.IntVar(&c.Blocks, "blocks", c.Blocks, "")
	f.IntVar(&c.Depth, "depth", c.Depth, "")
	f.Float64Var(&c.Holdout, "holdout", c.Holdout, "")
	f.StringVar(&c.Objective, "objective", c.Objective, "")
	f.StringVar(&c.From, "from", c.From, "")
	f.Float64Var(&c.Kinetic, "kinetic", c.Kinetic, "")
	f.Float64Var(&c.Jacobian, "jacobian", c.Jacobian, "")
	f.Float64Var(&c.DropCond, "drop-cond", c.DropCond, "")
	f.StringVar(&c.Sampler, "sampler", c.Sampler, "")
	f.Float64Var(&c.SamplerError, "sampler-error", c.SamplerError, "")
	f.StringVar(&c.Reflow, "reflow", c.Reflow, "")
	f.IntVar(&c.Rounds, "rounds", c.Rounds, "")
	f.IntVar(&c.Pairs, "pairs", c.Pairs, "")
	f.BoolVar(&c.Distill, "distill", c.Distill, "")
	f.Func("seed", "", func(s string) (err error) {
		c.Seed, err = readSeed(s)
		return err
	})
}

// readSeed reads a whole number, or draws one for "random".
func readSeed(s string) (uint64, error) {
	if s == "random" {
		var b [8]byte
		rand.Read(b[:])
		return binary.LittleEndian.Uint64(b[:]) >> 11, nil // fits a float64, so any reader of JSON keeps it
	}
	v, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("want a whole number of at least 0, or random")
	}
	return v, nil
}

// readConfig reads a configuration file over c. A field it does not know is an error.
func (c *config) readConfig(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return unreadable(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return refuse("%s: %s", path, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// differences lists, as name=value, the settings of c that are not those of old.
func (c config) differences(old config) (names []string) {
	v, w := reflect.ValueOf(c), reflect.ValueOf(old)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			continue
		}
		if a, b := v.Field(i).Interface(), w.Field(i).Interface(); a != b {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, fmt.Sprintf("-%s %v (it has %v)", name, a, b))
		}
	}
	return names
}

// check refuses settings that no data can make sense of.
func (c config) check() error {
	for _, n := range []struct {
		name string
		v    float64
	}{
		{"steps", float64(c.Steps)}, {"batch", float64(c.Batch)}, {"lr", c.LR}, {"hidden", float64(c.Hidden)},
		{"blocks", float64(c.Blocks)}, {"depth", float64(c.Depth)}, {"holdout", c.Holdout}, {"drop-cond", c.DropCond},
		{"kinetic", c.Kinetic}, {"jacobian", c.Jacobian},
		{"sampler-error", c.SamplerError}, {"rounds", float64(c.Rounds)}, {"pairs", float64(c.Pairs)},
	} {
		if !(n.v >= 0) || n.v > 1e12 {
			return misuse("-%s: %v is out of range", n.name, n.v)
		}
	}
	switch {
	case c.Sampler != "" && c.Sampler != "auto":
		return misuse("-sampler: %q is not auto", c.Sampler)
	case c.SamplerError > 0 && c.Sampler == "":
		return misuse("-sampler-error goes with -sampler auto")
	case c.Reflow == "" && (c.Rounds > 0 || c.Pairs > 0 || c.Distill):
		return misuse("-rounds, -pairs and -distill go with -reflow, which names the run to straighten")
	case c.DropCond >= 1:
		return misuse("-drop-cond: %v is out of range, want a share below 1", c.DropCond)
	}
	if c.Objective != model.Likelihood && (c.From != "" || c.Kinetic > 0 || c.Jacobian > 0) {
		return misuse("-from, -kinetic and -jacobian go with -objective %s", model.Likelihood)
	}
	if c.Holdout >= 1 {
		return misuse("-holdout: %v is out of range, want a share below 1", c.Holdout)
	}
	return nil
}

// dirConfig reads the configuration of a run's folder.
func dirConfig(dir string) (config, error) {
	var c config
	err := c.readConfig(dir + "/" + runs.Config)
	return c, err
}
