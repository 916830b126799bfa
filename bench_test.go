package pushforward

import (
	"context"
	"runtime"
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
		var job *bench.Job
		threads := 0 // that job was set up for
		done := func() {
			if job != nil && job.Close != nil {
				job.Close()
			}
		}
		b.Run(w.Name, func(b *testing.B) {
			if testing.Short() {
				for part := range slow {
					if strings.Contains(w.Name, part) {
						b.Skip("long")
					}
				}
			}
			// Not b.Loop: its first count runs before -cpu is heeded.
			if n := runtime.GOMAXPROCS(0); n != threads {
				done()
				var err error
				if job, err = w.Setup(context.Background()); err != nil {
					b.Fatal(err)
				}
				threads = n
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if err := job.Run(); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer() // a report may work longer
			value, unit := w.Rate(job, b.Elapsed()/time.Duration(b.N))
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
		done()
	}
}
