package main

import (
	"context"
	"errors"
)

func init() {
	tables = append(tables, Table{
		Name:  "tong",
		About: "Tong et al. 2024, table 2: W₂ and normalised path energy of flow matching in the plane",
		Seeds: 5,
		Run:   tong,
	})
}

func tong(ctx context.Context, r *Run) error { return errors.New("to come") }
