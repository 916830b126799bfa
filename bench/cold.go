package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// cold starts the built command anew for each run: process start to 1,000 rows of a saved model.
func cold() []Workload {
	return []Workload{{Name: "cold/sample1000", Unit: "ms", Setup: func(ctx context.Context) (*Job, error) {
		dir, err := os.MkdirTemp("", "pushforward-cold")
		if err != nil {
			return nil, err
		}
		bin := filepath.Join(dir, "pushforward")
		if runtime.GOOS == "windows" {
			bin += ".exe"
		}
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", bin, "pushforward/cmd/pushforward").CombinedOutput(); err != nil {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("bench: cold: %w: %s", err, out)
		}
		root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "pushforward").Output()
		if err != nil {
			os.RemoveAll(dir)
			return nil, fmt.Errorf("bench: cold: where is the module: %w", err)
		}
		saved := filepath.Join(strings.TrimSpace(string(root)), "bench", "testdata", "moons.safetensors")
		var peak float64
		return &Job{
			Run: func() error {
				cmd := exec.CommandContext(ctx, bin, "sample", "-model", saved, "-n", "1000", "-seed", "1")
				out, err := cmd.Output()
				if err != nil {
					return fmt.Errorf("bench: cold: %w", err)
				}
				if n := strings.Count(string(out), "\n"); n < 1000 {
					return fmt.Errorf("bench: cold: %d lines for 1,000 rows", n)
				}
				peak = peakMiB(cmd.ProcessState)
				return nil
			},
			Report: func() map[string]float64 { return map[string]float64{"MiB": peak} },
			Close:  func() { os.RemoveAll(dir) },
		}, nil
	}}}
}
