package model_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"pushforward/cfm/dataset"
	"pushforward/cfm/model"
	"pushforward/simd/rng"
)

// Train on rows of one's own, save, open, sample and score. The numbers are the same on every
// processor and for any number of cores.
func Example() {
	moons, err := dataset.Toy("moons-normal")
	if err != nil {
		fmt.Println(err)
		return
	}
	rows := make([][]float64, 1000)
	for i := range rows {
		rows[i] = make([]float64, 2)
		moons.Sample(rows[i], rng.New(1).Fold(uint64(i)))
	}

	ctx := context.Background()
	m, err := model.Fit(ctx, rows, model.Options{Seed: 1, Steps: 60, Hidden: 32, Blocks: 1, Calibrate: -1})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "moons.safetensors")
	if err := m.Save(file); err != nil {
		fmt.Println(err)
		return
	}

	// … on another machine, another CPU: the golden vectors in the file are checked, the bits are the same.
	m, err = model.Open(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, err := m.Sample(ctx, 3, model.SampleOptions{Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := m.LogDensity(ctx, x.Rows, model.DensityOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, row := range x.Rows {
		fmt.Printf("x = (%.4f, %.4f)  log p = %.4f\n", row[0], row[1], d.LogP[i])
	}
	// Output:
	// x = (-2.6719, -1.7014)  log p = -4.9615
	// x = (1.1196, 1.6136)  log p = -4.5121
	// x = (0.0148, -0.0225)  log p = -4.1620
}
