// Command train fits a model. Without flags it learns the embedded 8×8 digits in about half a minute
// and leaves pictures, a table of figures and the model in a folder under runs/.
//
//	go run ./cmd/train
//	go run ./cmd/train -data moons
//	go run ./cmd/train -data table.csv -cond species
//	go run ./cmd/train -h
//
// It is the verb train of the command pushforward.
package main

import (
	"os"

	"pushforward/cmd/internal/verb"
)

func main() { os.Exit(verb.Run("train", os.Args[1:])) }
