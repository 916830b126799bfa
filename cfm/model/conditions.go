package model

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"pushforward/cfm"
	"pushforward/simd/rng"
)

// Condition is one column that rows are given by: a class out of Classes, or a number if there are none.
type Condition struct {
	Name    string   `json:"name"`
	Classes []string `json:"classes,omitempty"`
	// Loc and Scale standardise a number. Fit sets them.
	Loc   float64 `json:"loc,omitempty"`
	Scale float64 `json:"scale,omitempty"`
	// Marked says that a number comes with a second input of 1: a dropped one (see Options.DropCond) is told from
	// an average one by its 0. Fit sets it.
	Marked bool `json:"marked,omitempty"`
}

// width is the number of the network's inputs that carry the condition.
func (c Condition) width() int {
	if len(c.Classes) > 0 {
		return len(c.Classes) // one of K
	}
	if c.Marked {
		return 2
	}
	return 1
}

// Parse reads a value of the condition: a class by its name, or a number.
func (c Condition) Parse(s string) (float64, error) {
	if len(c.Classes) == 0 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, badData("condition %s: %q is not a number", c.Name, s)
		}
		return v, nil
	}
	for i, name := range c.Classes {
		if name == s {
			return float64(i), nil
		}
	}
	// A class that is a number may be written in another way: 3 and 3.0.
	if v, err := strconv.ParseFloat(s, 64); err == nil {
		for i, name := range c.Classes {
			if w, err := strconv.ParseFloat(name, 64); err == nil && v == w {
				return float64(i), nil
			}
		}
	}
	return 0, badData("condition %s: unknown class %q; there are %s", c.Name, s, list(c.Classes))
}

// Format is the inverse of Parse.
func (c Condition) Format(v float64) string {
	if i := int(v); len(c.Classes) > 0 && i >= 0 && i < len(c.Classes) {
		return c.Classes[i]
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// list names a few of many.
func list(s []string) string {
	if len(s) > 12 {
		return strings.Join(s[:12], ", ") + fmt.Sprintf(" and %d more", len(s)-12)
	}
	return strings.Join(s, ", ")
}

// checkGiven refuses a row of conditions that does not fit.
func checkGiven(conds []Condition, row []float64, i int) error {
	if len(row) != len(conds) {
		return badData("row %d is given %d conditions, the model has %d", i+1, len(row), len(conds))
	}
	for j, c := range conds {
		v := row[j]
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
			return badData("row %d, condition %s: %v is not a finite number", i+1, c.Name, v)
		case len(c.Classes) > 0 && (v != math.Floor(v) || v < 0 || v >= float64(len(c.Classes))):
			return badData("row %d, condition %s: %v is not the number of a class, 0 to %d", i+1, c.Name, v, len(c.Classes)-1)
		}
	}
	return nil
}

// encode writes a row of conditions as the network's inputs: classes as one of K, numbers standardised.
func encode(dst []float32, conds []Condition, row []float64) {
	for j, c := range conds {
		w := c.width()
		for i := range dst[:w] {
			dst[i] = 0
		}
		if len(c.Classes) > 0 {
			dst[int(row[j])] = 1
		} else {
			dst[0] = float32((row[j] - c.Loc) / c.Scale)
			if c.Marked {
				dst[1] = 1
			}
		}
		dst = dst[w:]
	}
}

// Under is the model's flow (see Flow) under rows of conditions, one for all rows or one each; without conditions given is nil.
func (m *Model) Under(given [][]float64) (*cfm.Flow[float32], error) {
	if err := m.ready(); err != nil {
		return nil, err
	}
	if len(m.Conditions) == 0 && len(given) == 0 {
		return m.flow, nil
	}
	if len(given) == 0 {
		return nil, badData("the model wants conditions: %s", m.conditionNames())
	}
	rows, err := m.givenRows(len(given), 0, given, rng.Key{})
	if err != nil {
		return nil, err
	}
	return under(m.flow, m.encoded(rows)), nil
}

// condWidth is the number of the network's inputs that carry conditions.
func condWidth(conds []Condition) (w int) {
	for _, c := range conds {
		w += c.width()
	}
	return w
}

// Mix is how often each combination of classes was seen in training: what Sample draws from when it is
// not told what is given. It is kept only if every condition is a class.
type Mix struct {
	Given []int `json:"given"`
	Count int   `json:"count"`
}

// maxMix bounds the combinations a model keeps.
const maxMix = 4096

// mixOf counts combinations, in the order of their classes. It returns nil if they cannot be counted.
func mixOf(conds []Condition, given [][]float64) []Mix {
	for _, c := range conds {
		if len(c.Classes) == 0 {
			return nil
		}
	}
	count := map[string]*Mix{}
	var all []*Mix
	for _, g := range given {
		key := fmt.Sprint(g)
		m := count[key]
		if m == nil {
			if len(all) == maxMix {
				return nil
			}
			m = &Mix{Given: make([]int, len(g))}
			for j, v := range g {
				m.Given[j] = int(v)
			}
			count[key] = m
			all = append(all, m)
		}
		m.Count++
	}
	sort.Slice(all, func(a, b int) bool {
		for j := range all[a].Given {
			if x, y := all[a].Given[j], all[b].Given[j]; x != y {
				return x < y
			}
		}
		return false
	})
	mix := make([]Mix, len(all))
	for i, m := range all {
		mix[i] = *m
	}
	return mix
}

// draw picks the combination of row i.
func draw(mix []Mix, key rng.Key, i int) []float64 {
	total := 0
	for _, m := range mix {
		total += m.Count
	}
	var u [1]float64
	rng.Uniform(key.Fold(uint64(i)), u[:])
	at := int(u[0] * float64(total))
	for _, m := range mix {
		if at -= m.Count; at < 0 {
			g := make([]float64, len(m.Given))
			for j, v := range m.Given {
				g[j] = float64(v)
			}
			return g
		}
	}
	return nil
}
