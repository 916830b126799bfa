package odeint

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// expr is a right-hand side of the reference files, flattened: op i of the list reads earlier ones. It is evaluated
// forwards, and backwards for gradients.
type expr struct {
	ops    []exprOp
	out    []int // one per expression
	dim    int
	params []string
	val    []float64
	bar    []float64
}

type exprOp struct {
	op   string
	args []int
	c    float64 // a constant
	i    int     // the index of a state or parameter
}

type exprProblem struct {
	Name   string
	T0, T1 float64
	Y0     []float64
	Params map[string]float64
	Let    [][]json.RawMessage
	RHS    []json.RawMessage
	Stiff  bool
}

// compile flattens exprs, which may use p's parameters and its let names.
func (p *exprProblem) compile(exprs []json.RawMessage) (*expr, error) {
	e := &expr{dim: len(p.Y0)}
	names := map[string]int{}
	add := func(o exprOp) int {
		e.ops = append(e.ops, o)
		return len(e.ops) - 1
	}
	names["t"] = add(exprOp{op: "t"})
	for i := range p.Y0 {
		names["y"+strconv.Itoa(i)] = add(exprOp{op: "y", i: i})
	}
	for _, k := range sortedKeys(p.Params) {
		names[k] = add(exprOp{op: "p", i: len(e.params), c: p.Params[k]})
		e.params = append(e.params, k)
	}
	var build func(v any) (int, error)
	build = func(v any) (int, error) {
		switch v := v.(type) {
		case float64:
			return add(exprOp{op: "c", c: v}), nil
		case string:
			if i, ok := names[v]; ok {
				return i, nil
			}
			return 0, fmt.Errorf("unknown name %q", v)
		case []any:
			o := exprOp{op: v[0].(string)}
			if !strings.Contains(" + - * / ^ neg sin cos tan exp log sqrt abs tanh sign ", " "+o.op+" ") {
				return 0, fmt.Errorf("unknown op %q", o.op)
			}
			for _, a := range v[1:] {
				i, err := build(a)
				if err != nil {
					return 0, err
				}
				if len(o.args) == 2 && (o.op == "-" || o.op == "/") { // of more than two, from the left
					o.args = []int{add(o), i}
					continue
				}
				o.args = append(o.args, i)
			}
			most, least := 1, 1
			switch o.op {
			case "+", "*":
				most, least = math.MaxInt, 2
			case "-", "/", "^":
				most, least = 2, 2
			}
			if n := len(o.args); n < least || n > most {
				return 0, fmt.Errorf("%q has %d arguments", o.op, n)
			}
			return add(o), nil
		}
		return 0, fmt.Errorf("cannot read %v", v)
	}
	parse := func(raw json.RawMessage) (int, error) {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return 0, err
		}
		return build(v)
	}
	for _, l := range p.Let {
		var name string
		if err := json.Unmarshal(l[0], &name); err != nil {
			return nil, err
		}
		i, err := parse(l[1])
		if err != nil {
			return nil, err
		}
		names[name] = i
	}
	for _, raw := range exprs {
		i, err := parse(raw)
		if err != nil {
			return nil, err
		}
		e.out = append(e.out, i)
	}
	e.val, e.bar = make([]float64, len(e.ops)), make([]float64, len(e.ops))
	return e, nil
}

func sortedKeys(m map[string]float64) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	for i := range keys {
		for j := i; j > 0 && keys[j] < keys[j-1]; j-- {
			keys[j], keys[j-1] = keys[j-1], keys[j]
		}
	}
	return keys
}

// eval sets dst to the expressions' values.
func (e *expr) eval(dst []float64, t float64, y []float64) {
	v := e.val
	for i := range e.ops {
		o := &e.ops[i]
		a := func(j int) float64 { return v[o.args[j]] }
		switch o.op {
		case "t":
			v[i] = t
		case "y":
			v[i] = y[o.i]
		case "p", "c":
			v[i] = o.c
		case "+":
			v[i] = a(0)
			for j := range o.args[1:] {
				v[i] += a(j + 1)
			}
		case "*":
			v[i] = a(0)
			for j := range o.args[1:] {
				v[i] *= a(j + 1)
			}
		case "-":
			v[i] = a(0) - a(1)
		case "/":
			v[i] = a(0) / a(1)
		case "^":
			v[i] = math.Pow(a(0), a(1))
		case "neg":
			v[i] = -a(0)
		case "sin":
			v[i] = math.Sin(a(0))
		case "cos":
			v[i] = math.Cos(a(0))
		case "tan":
			v[i] = math.Tan(a(0))
		case "exp":
			v[i] = math.Exp(a(0))
		case "log":
			v[i] = math.Log(a(0))
		case "sqrt":
			v[i] = math.Sqrt(a(0))
		case "abs":
			v[i] = math.Abs(a(0))
		case "tanh":
			v[i] = math.Tanh(a(0))
		case "sign":
			v[i] = 0
			if a(0) != 0 {
				v[i] = math.Copysign(1, a(0))
			}
		}
	}
	for i, j := range e.out {
		dst[i] = v[j]
	}
}

// pull adds the pullback of g at (t, y) to dy, dp and *dt.
func (e *expr) pull(dy, dp []float64, dt *float64, t float64, y, g []float64) {
	out := make([]float64, len(e.out))
	e.eval(out, t, y)
	clear(e.bar)
	for i, j := range e.out {
		e.bar[j] += g[i]
	}
	v := e.val
	for i := len(e.ops) - 1; i >= 0; i-- {
		o, b := &e.ops[i], e.bar[i]
		if b == 0 {
			continue
		}
		a := func(j int) float64 { return v[o.args[j]] }
		to := func(j int, x float64) { e.bar[o.args[j]] += x }
		switch o.op {
		case "t":
			*dt += b
		case "y":
			dy[o.i] += b
		case "p":
			dp[o.i] += b
		case "+":
			for j := range o.args {
				to(j, b)
			}
		case "*":
			for j := range o.args {
				x := b
				for k := range o.args {
					if k != j {
						x *= a(k)
					}
				}
				to(j, x)
			}
		case "-":
			to(0, b)
			to(1, -b)
		case "/":
			to(0, b/a(1))
			to(1, -b*a(0)/(a(1)*a(1)))
		case "^":
			to(0, b*a(1)*math.Pow(a(0), a(1)-1))
			if e.ops[o.args[1]].op != "c" {
				to(1, b*v[i]*math.Log(a(0)))
			}
		case "neg":
			to(0, -b)
		case "sin":
			to(0, b*math.Cos(a(0)))
		case "cos":
			to(0, -b*math.Sin(a(0)))
		case "tan":
			to(0, b*(1+v[i]*v[i]))
		case "exp":
			to(0, b*v[i])
		case "log":
			to(0, b/a(0))
		case "sqrt":
			to(0, b/(2*v[i]))
		case "abs":
			if a(0) != 0 {
				to(0, b*math.Copysign(1, a(0)))
			}
		case "tanh":
			to(0, b*(1-v[i]*v[i]))
		}
	}
}

// exprSystem is an expr as a System with a pullback.
type exprSystem struct{ *expr }

func (s exprSystem) Dim() int    { return s.dim }
func (s exprSystem) Params() int { return len(s.params) }

func (s exprSystem) Eval(dst []float64, b Batch[float64]) {
	for i, t := range b.T {
		s.eval(dst[i*s.dim:(i+1)*s.dim], t, b.Y[i*s.dim:(i+1)*s.dim])
	}
}

func (s exprSystem) Pullback(dy, dtheta []float64, dt []float64, b Batch[float64], g []float64) {
	dp := dtheta
	if dp == nil {
		dp = make([]float64, len(s.params))
	}
	for i, t := range b.T {
		var d float64
		lo, hi := i*s.dim, (i+1)*s.dim
		s.pull(dy[lo:hi], dp, &d, t, b.Y[lo:hi], g[lo:hi])
		if dt != nil {
			dt[i] += d
		}
	}
}
