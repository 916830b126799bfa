package main

import (
	"math"
	"time"

	"pushforward/bench"
)

// stopwatch times one workload as bench/peers/clock.py does.
type stopwatch struct {
	workload bench.Workload
	job      *bench.Job
	runs     int
}

// measure runs the work for about so many seconds and returns the value and its unit. The first call warms up and
// finds the number of runs, which is then kept.
func (s *stopwatch) measure(seconds float64) (value float64, unit string, err error) {
	if s.runs == 0 {
		if _, err = s.time(2); err != nil {
			return 0, "", err
		}
		best := math.Inf(1)
		for _, n := range []int{1, 4, 16} {
			one, err := s.time(n)
			if err != nil {
				return 0, "", err
			}
			if best = min(best, one.Seconds()); best > seconds/8 {
				break
			}
		}
		s.runs = max(1, int(math.Round(seconds/best)))
	}
	if s.runs > 4 { // the other side ran in between: fetch code and data again
		if _, err = s.time(1 + s.runs/50); err != nil {
			return 0, "", err
		}
	}
	one, err := s.time(s.runs)
	if err != nil {
		return 0, "", err
	}
	value, unit = s.workload.Rate(s.job, one)
	return value, unit, nil
}

// time returns the time of one of n runs.
func (s *stopwatch) time(n int) (time.Duration, error) {
	start := time.Now()
	for range n {
		if err := s.job.Run(); err != nil {
			return 0, err
		}
	}
	return time.Since(start) / time.Duration(n), nil
}
