package model

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"pushforward/simd/rng"
)

// answer is a golden vector: what the network was asked, and the bits it answered. Read asks again. The
// bit contract says that every processor answers the same.
type answer struct {
	T    bits `json:"t"` // one number
	X    bits `json:"x"`
	Cond bits `json:"cond,omitempty"`
	V    bits `json:"v"`
}

// bits is a vector kept as hexadecimal bits, big-endian, so that nothing is rounded on the way.
type bits []float32

func (b bits) MarshalJSON() ([]byte, error) {
	raw := make([]byte, 0, 4*len(b))
	for _, v := range b {
		u := math.Float32bits(v)
		raw = append(raw, byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
	}
	return json.Marshal(hex.EncodeToString(raw))
}

func (b *bits) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw)%4 != 0 {
		return fmt.Errorf("%q is not a row of 32-bit words", s)
	}
	*b = make(bits, len(raw)/4)
	for i := range *b {
		w := raw[4*i:]
		(*b)[i] = math.Float32frombits(uint32(w[0])<<24 | uint32(w[1])<<16 | uint32(w[2])<<8 | uint32(w[3]))
	}
	return nil
}

// answers asks the network at four times, at points of its own scale, for classes in turn.
func (m *Model) answers() []answer {
	var all []answer
	for i, t := range []float32{0.0625, 0.375, 0.75, 1} {
		key := rng.New(0).Named("golden").Fold(uint64(i))
		a := answer{T: bits{t}, X: make(bits, m.Dim)}
		rng.Normal(key, a.X)
		if w := condWidth(m.Conditions); w > 0 {
			row := make([]float64, len(m.Conditions))
			for j, c := range m.Conditions {
				if len(c.Classes) > 0 {
					row[j] = float64(i % len(c.Classes))
				} else {
					row[j] = c.Loc
				}
			}
			a.Cond = make(bits, w)
			encode(a.Cond, m.Conditions, row)
		}
		a.V = m.gen.ask(m.flow.Theta, a)
		all = append(all, a)
	}
	return all
}

// checkAnswers asks the golden questions again.
func (m *Model) checkAnswers() error {
	if len(m.golden) == 0 {
		return badFile("it has no golden vectors")
	}
	for i, a := range m.golden {
		if len(a.T) != 1 || len(a.X) != m.Dim || len(a.Cond) != condWidth(m.Conditions) {
			return badFile("golden vector %d has the wrong length", i)
		}
		got := m.gen.ask(m.flow.Theta, a)
		if len(got) != len(a.V) {
			return badFile("golden vector %d has the wrong length", i)
		}
		for j, v := range got {
			if math.Float32bits(v) != math.Float32bits(a.V[j]) {
				return badFile("golden vector %d, component %d: the network answers %v, the file says %v; the file is damaged or this build computes other bits", i, j, v, a.V[j])
			}
		}
	}
	return nil
}
