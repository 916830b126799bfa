package model_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"pushforward/cfm/model"
	"pushforward/simd/rng"
)

// Fit a model to rows that are given a class, keep it in a file, and draw rows of one class from it.
func Example_conditions() {
	ctx := context.Background()
	var rows, given [][]float64
	for i := range 300 {
		var z [2]float64
		rng.Normal(rng.New(1).Fold(uint64(i)), z[:])
		class := i % 2 // short birds are light, long ones heavy
		rows = append(rows, []float64{40 + float64(20*class) + z[0], 3 + float64(2*class) + z[1]/4})
		given = append(given, []float64{float64(class)})
	}
	m, err := model.Fit(ctx, rows, model.Options{
		Steps: 200, Batch: 64, Hidden: 16, Blocks: 1,
		Columns:    []string{"length", "mass"},
		Conditions: []model.Condition{{Name: "species", Classes: []string{"finch", "gull"}}},
		Given:      given,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, _ := os.MkdirTemp("", "model")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "birds.safetensors")
	if err := m.Save(path); err != nil {
		fmt.Println(err)
		return
	}

	m, err = model.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	gull, _ := m.Encode(map[string]string{"species": "gull"})
	s, _ := m.Sample(ctx, 200, model.SampleOptions{Seed: 7, Given: [][]float64{gull}})
	mean := 0.0
	for _, r := range s.Rows {
		mean += r[0] / float64(len(s.Rows))
	}
	fmt.Printf("%d columns, gulls are about %.0f0 long\n", m.Dim, mean/10)

	d, _ := m.LogDensity(ctx, [][]float64{{60, 5}, {40, 3}}, model.DensityOptions{Given: [][]float64{gull}})
	fmt.Println("a finch among gulls is unlikely:", d.LogP[1] < d.LogP[0] && d.PValue[1] < 0.05)
	// Output:
	// 2 columns, gulls are about 60 long
	// a finch among gulls is unlikely: true
}
