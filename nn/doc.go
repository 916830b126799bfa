// Package nn declares networks and keeps their parameters.
//
// # One vector
//
// A model is a function of (θ, input), and θ is one flat vector. A layer holds no arrays, only
// their places in θ (autograd.Param), so optimizers, averages, clipping and checkpoints are plain
// loops over []F and a layer needs no method but the one that applies it. Params is the layout:
// which name lies where. Layers declare their arrays through a Scope and Init makes the vector:
//
//	p := nn.NewParams[float32]()
//	net := nn.NewMLP(p.Root().Sub("net"), autograd.Var[float32].SiLU, 3, 64, 64, 2)
//	theta := p.Init(rng.New(1))
//	tape := autograd.NewTape(theta)
//	y := net.Forward(tape.Const(x))
//
// Many goroutines may use one network, each with a tape of its own: layers are read only.
//
// # Names
//
// Names are those PyTorch would use (net.0.weight, net.0.bias, net.2.weight, …), and weights have
// its shapes, so a state dict saved with safetensors loads by name, and the other way round.
//
// # Rows
//
// The first axis is the batch, and no layer couples its rows: row i of a result has the same bits
// alone as in any batch. So there is no batch norm here.
//
// # Files
//
// Save and Load speak safetensors, by way of a reader that takes nothing on trust; see
// ReadSafetensors, and docs/checkpoint.md for the sum that makes any change in a file an error.
package nn
