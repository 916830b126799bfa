// Package odeint integrates ordinary differential equations dy/dt = f(t, y) for many independent rows at once.
package odeint
