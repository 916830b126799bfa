package pushforward

import (
	"context"
	"sort"
	"strings"
	"testing"
	"time"

	"pushforward/bench"
)

// BenchmarkPushforward runs every workload of package bench. It stands in the root because
// `go test -bench ./...`, as people type it, takes ./... for the pattern and tests this folder only.
// Under -short the workloads that need more than about a second a run are left out.
func BenchmarkPushforward(b *testing.B) {
	slow := map[string]bool{"2048": true, "train/large": true}
	for _, w := range bench.Workloads() {
		b.Run(w.Name, func(b *testing.B) {
			if testing.Short() {
				for part := range slow {
					if strings.Contains(w.Name, part) {
						b.Skip("long")
					}
				}
			}
			job, err := w.Setup(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			if job.Close != nil {
				defer job.Close()
			}
			b.ReportAllocs()
			runs, start := 0, time.Time{}
			for b.Loop() {
				if runs == 0 {
					start = time.Now()
				}
				if err := job.Run(); err != nil {
					b.Fatal(err)
				}
				runs++
			}
			value, unit := w.Rate(job, time.Since(start)/time.Duration(runs))
			b.ReportMetric(value, unit)
			if job.Report != nil {
				more := job.Report()
				names := make([]string, 0, len(more))
				for name := range more {
					names = append(names, name)
				}
				sort.Strings(names)
				for _, name := range names {
					b.ReportMetric(more[name], name)
				}
			}
		})
	}
}
