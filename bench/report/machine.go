package main

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"pushforward/bench/peak"
	"pushforward/simd"
)

// Machine is where and with what a report was made.
type Machine struct {
	Date     string            `json:"date"`
	CPU      string            `json:"cpu"`
	Cores    int               `json:"cores"`
	OS       string            `json:"os"`
	Tier     string            `json:"tier"`
	Peak     float64           `json:"peak"` // GFLOP/s of one thread on registers alone, float32; 0: not known
	Load     string            `json:"load"` // /proc/loadavg before the first measurement
	Command  string            `json:"command"`
	Versions map[string]string `json:"versions"`
	LeftOut  string            `json:"leftout,omitempty"`
}

func thisMachine(args []string) Machine {
	m := Machine{
		Date: time.Now().Format("2006-01-02 15:04"), CPU: cpuName(), Cores: runtime.NumCPU(),
		OS: runtime.GOOS + "/" + runtime.GOARCH, Tier: simd.Best[float32]().Level.String(), Peak: peak.GFLOPS[float32](simd.Best[float32]().Level, 40*time.Millisecond),
		Command:  "go run ./bench/report " + strings.Join(args, " "),
		Versions: map[string]string{"go": runtime.Version()},
	}
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(raw))[:3], " ")
	}
	return m
}

func cpuName() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	var name, family, model string
	for s := bufio.NewScanner(f); s.Scan() && (name == "" || model == ""); {
		k, v, _ := strings.Cut(s.Text(), ":")
		switch v = strings.TrimSpace(v); strings.TrimSpace(k) {
		case "model name":
			name = v
		case "cpu family":
			family = v
		case "model":
			model = v
		}
	}
	switch {
	case name == "":
		return runtime.GOARCH
	case family == "" || model == "":
		return name
	}
	return fmt.Sprintf("%s (family %s, model %s)", name, family, model)
}

// lines describes the machine, a fact a line.
func (m Machine) lines() []string {
	list := []string{
		fmt.Sprintf("%s, %d cores, %s; tier %s", m.CPU, m.Cores, m.OS, m.Tier),
	}
	if m.Peak > 0 {
		list = append(list, fmt.Sprintf("peak of one thread on registers alone: %.0f GFLOP/s float32, %.0f float64", m.Peak, m.Peak/2))
	}
	var versions []string
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		versions = append(versions, name+" "+strings.TrimPrefix(m.Versions[name], "go"))
	}
	list = append(list, strings.Join(versions, ", "))
	if m.Load != "" {
		list = append(list, "load at the start: "+m.Load)
	}
	list = append(list, m.Date+": "+m.Command)
	if m.LeftOut != "" {
		list = append(list, "left out: "+m.LeftOut)
	}
	return list
}
