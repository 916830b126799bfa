package dataset_test

import (
	"fmt"
	"strings"

	"pushforward/cfm/dataset"
	"pushforward/simd/rng"
)

// The mean of -log p over a law's own points is its entropy.
func ExampleToy() {
	law, err := dataset.Toy("moons-normal")
	if err != nil {
		fmt.Println(err)
		return
	}
	x := make([]float64, 2*2000)
	law.Sample(x, rng.New(1))
	sum := 0.0
	for i := 0; i < len(x); i += 2 {
		logp, _ := law.LogProb(x[i : i+2])
		sum -= logp
	}
	fmt.Printf("%.1f nats\n", sum/2000)
	// Output: 3.9 nats
}

// A column of text becomes a condition; the row with a gap is dropped and counted.
func ExampleOpenCSV() {
	const file = "species,mass,length\nAdelie,3750,181\nGentoo,5000,217\nAdelie,NA,186\n"
	table, err := dataset.OpenCSV(strings.NewReader(file), "birds.csv")
	if err != nil {
		fmt.Println(err)
		return
	}
	rows, err := table.Select("species")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(rows.Columns, rows.X, rows.Dropped)
	fmt.Println(rows.Cond[0].Classes, rows.C)

	_, err = dataset.OpenCSV(strings.NewReader("mass\n3750\nheavy\n"), "birds.csv")
	fmt.Println(err)
	// Output:
	// [mass length] [3750 181 5000 217] 1
	// [Adelie Gentoo] [0 1]
	// dataset: birds.csv: row 2, column "mass": "heavy" is not a number, as 3750 before it (line 3)
}
