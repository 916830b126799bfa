// Command pushforward trains, samples and scores flow matching models: one static binary without
// dependencies.
//
//	pushforward train -data table.csv
//	pushforward sample -model model.safetensors -n 1000
//	pushforward score -model model.safetensors -data table.csv
//	pushforward info
//
// Without a verb it lists them; 'pushforward verb -h' lists a verb's flags.
package main

import (
	"os"

	"pushforward/cmd/internal/verb"
)

func main() { os.Exit(verb.Main(os.Args[1:])) }
