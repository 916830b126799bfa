package autograd

import "strings"

// ShapeError is what an operation panics with when its operands do not fit.
type ShapeError struct {
	Op   string  // the operation
	Want string  // what does not fit, with the numbers
	Got  []Shape // the operands' shapes
}

// Error names the operation, the shapes and what is wrong with them:
//
//	autograd: MatMulT: [64 3]·[128 2]ᵀ: inner extents 3 and 2 differ
func (e *ShapeError) Error() string {
	var b strings.Builder
	b.WriteString("autograd: ")
	b.WriteString(e.Op)
	b.WriteString(": ")
	sep, after := ", ", ""
	switch e.Op {
	case "MatMul":
		sep = "·"
	case "MatMulT":
		sep, after = "·", "ᵀ"
	}
	for i, s := range e.Got {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(s.String())
	}
	if len(e.Got) > 0 {
		b.WriteString(after)
		b.WriteString(": ")
	}
	b.WriteString(e.Want)
	return b.String()
}

// UseError is what an operation panics with when a Var is used wrongly: after its release, on
// another tape, or with a parameter vector of the wrong length.
type UseError struct {
	Op  string // the operation
	Why string // what is wrong
}

// Error names the operation and the mistake:
//
//	autograd: Mul: operand was released; copy its Value first
func (e *UseError) Error() string { return "autograd: " + e.Op + ": " + e.Why }

const (
	whyReleased = "operand was released; copy its Value first"
	whyForeign  = "operands are on different tapes"
	whyNil      = "operand is the zero Var, which is on no tape"
)

func misuse(op, why string)                  { panic(&UseError{op, why}) }
func badShape(op, want string, got ...Shape) { panic(&ShapeError{op, want, got}) }
func badPair(op, want string, x, y Shape)    { panic(&ShapeError{op, want, []Shape{x, y}}) }
func badOne(op, want string, x Shape)        { panic(&ShapeError{op, want, []Shape{x}}) }
