package dataset

import (
	"bytes"
	"compress/gzip"
	_ "embed"
)

//go:embed digits/digits.csv.gz
var digitsFile []byte

//go:embed penguins/penguins.csv
var penguinsFile []byte

// Digits returns 1,797 images of handwritten digits: 8×8 grey levels from 0 (paper) to 16 (ink), row by
// row, and which digit each one is. See digits/PROVENANCE.md: CC BY 4.0, Alpaydin and Kaynak 1998.
func Digits() (x []float64, class []int) {
	z, err := gzip.NewReader(bytes.NewReader(digitsFile))
	if err != nil {
		panic("dataset: digits: " + err.Error())
	}
	t, err := OpenCSV(z, "digits")
	if err != nil {
		panic(err)
	}
	const side = 64
	x = make([]float64, 0, t.Rows*side)
	class = make([]int, t.Rows)
	for i := range t.Rows {
		row := t.X[i*(side+1) : (i+1)*(side+1)]
		x = append(x, row[:side]...)
		class[i] = int(row[side])
	}
	return x, class
}

// Penguins returns the Palmer penguins: 344 birds, four measurements, and species, island, sex and year.
// See penguins/PROVENANCE.md: CC0, Gorman, Williams and Fraser 2014. Eleven rows have missing cells.
func Penguins() *Table {
	t, err := OpenCSV(bytes.NewReader(penguinsFile), "penguins")
	if err != nil {
		panic(err)
	}
	return t
}
