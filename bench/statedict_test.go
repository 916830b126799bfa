package bench

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"pushforward/autograd"
	"pushforward/nn"
	"pushforward/simd/rng"
)

// network is the twin of a network of peers/statedict.py.
type network struct {
	name   string
	params *nn.Params[float32]
	net    func(x autograd.Var[float32]) autograd.Var[float32]
	x      []int
}

func networks() []network {
	silu, selu := autograd.Var[float32].SiLU, autograd.Var[float32].SELU
	var list []network
	add := func(name string, x []int, make func(s nn.Scope[float32]) func(autograd.Var[float32]) autograd.Var[float32]) {
		p := nn.NewParams[float32]()
		list = append(list, network{name: name, params: p, net: make(p.Root()), x: x})
	}
	add("mlp", []int{64, 3}, func(s nn.Scope[float32]) func(autograd.Var[float32]) autograd.Var[float32] {
		return nn.NewMLP(s.Sub("net"), selu, 3, 64, 64, 64, 2).Forward
	})
	add("attention", []int{4, 6, 16}, func(s nn.Scope[float32]) func(autograd.Var[float32]) autograd.Var[float32] {
		norm, attn := nn.NewLayerNorm(s.Sub("norm"), 16), nn.NewAttention(s.Sub("attn"), 16, 4)
		return func(x autograd.Var[float32]) autograd.Var[float32] { return x.Add(attn.Forward(norm.Forward(x))) }
	})
	add("image", []int{4, 3, 10, 10}, func(s nn.Scope[float32]) func(autograd.Var[float32]) autograd.Var[float32] {
		half := autograd.Conv{Stride: [2]int{2, 2}, Pad: [2]int{1, 1}}
		inp, norm := nn.NewConv2d(s.Sub("inp"), 3, 8, 3, 3, half), nn.NewGroupNorm(s.Sub("norm"), 2, 8)
		out := nn.NewConvTranspose2d(s.Sub("out"), 8, 3, 4, 4, half)
		return func(x autograd.Var[float32]) autograd.Var[float32] {
			return out.Forward(silu(norm.Forward(inp.Forward(x))))
		}
	})
	return list
}

func (n network) run(theta []float32, x autograd.Tensor[float32]) autograd.Tensor[float32] {
	return n.net(autograd.NewTape(theta).Const(x)).Value()
}

// TestStateDict loads by name what PyTorch saved, computes what PyTorch computed, and lets PyTorch do the same
// with ours. It needs the peers' environment.
func TestStateDict(t *testing.T) {
	python := Python("")
	if python == "" {
		t.Skip("no Python environment: set PUSHFORWARD_VENV (bench/peers/setup.sh makes one)")
	}
	if err := exec.Command(python, "-c", "import torch, safetensors").Run(); err != nil {
		t.Skip("the environment has no torch or no safetensors")
	}
	dir := t.TempDir()
	out, err := exec.Command(python, "peers/statedict.py", "save", dir).CombinedOutput()
	require.NoError(t, err, string(out))

	for _, n := range networks() {
		t.Run(n.name, func(t *testing.T) {
			theta := n.params.Init(rng.New(1))
			state, err := os.Open(filepath.Join(dir, n.name+".safetensors"))
			require.NoError(t, err)
			defer state.Close()
			_, err = n.params.Load(state, theta)
			require.NoError(t, err)

			raw, err := os.Open(filepath.Join(dir, n.name+".case.safetensors"))
			require.NoError(t, err)
			defer raw.Close()
			file, err := nn.ReadSafetensors(raw, -1)
			require.NoError(t, err)
			x := autograd.NewTensor[float32](n.x...)
			require.NoError(t, nn.Fill(x.Data, file.Find("x")))
			want := file.Find("y").Data.([]float32)
			got := n.run(theta, x).Data
			require.Len(t, got, len(want))
			worst := 0.0
			for i := range want {
				worst = max(worst, math.Abs(float64(got[i])-float64(want[i])))
			}
			t.Logf("largest difference %.1e", worst)
			require.Less(t, worst, 1e-6)
		})
	}

	for _, n := range networks() {
		theta := n.params.Init(rng.New(2))
		x := autograd.NewTensor[float32](n.x...)
		rng.Normal(rng.New(3), x.Data)
		state, err := os.Create(filepath.Join(dir, n.name+".safetensors"))
		require.NoError(t, err)
		require.NoError(t, n.params.Save(state, theta, nil))
		require.NoError(t, state.Close())
		file := &nn.File{}
		y := n.run(theta, x)
		file.Add("x", x.Data, n.x...)
		shape := make([]int, y.Shape.Rank())
		for i := range shape {
			shape[i] = y.Shape.Dim(i)
		}
		file.Add("y", y.Data, shape...)
		kept, err := os.Create(filepath.Join(dir, n.name+".case.safetensors"))
		require.NoError(t, err)
		require.NoError(t, nn.WriteSafetensors(kept, file))
		require.NoError(t, kept.Close())
	}
	out, err = exec.Command(python, "peers/statedict.py", "check", dir).CombinedOutput()
	require.NoError(t, err, string(out))
	t.Logf("PyTorch on ours: %s", out)
}
