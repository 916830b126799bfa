package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ours is the name of our side.
const ours = "pushforward"

// peers says which workloads each peer has, in the order of the tables. TestPeersHaveTheirWorkloads compares this
// with the scripts.
var peers = []struct {
	name string
	has  *regexp.Regexp
}{
	{"numpy", regexp.MustCompile(`^(gemm|gemm64)/|^elem/(tanh|exp|silu|selu|normal)`)},
	{"openblas", regexp.MustCompile(`^(gemm|gemm64)/`)},
	{"torch", regexp.MustCompile(`^(gemm|gemm64|elem|hutchgrad|conv|attention)/|^train/(small|medium|large)$`)},
	{"jax", regexp.MustCompile(`^(gemm|elem)/|^train/(small|medium|large)$`)},
	{"jax-scan100", regexp.MustCompile(`^train/small$`)},
	{"torchcfm", regexp.MustCompile(`^train/small|^ot/`)},
	{"pot", regexp.MustCompile(`^ot/`)},
	{"scipy", regexp.MustCompile(`^ot/|^ode/lorenz`)},
	{"torchdiffeq", regexp.MustCompile(`^(sample|density|cnf|cold)/`)},
	{"torchdiffeq-adjoint", regexp.MustCompile(`^cnf/`)},
	{"flow_matching", regexp.MustCompile(`^(sample|density)/`)},
	{"diffrax", regexp.MustCompile(`^ode/vanderpol|^(sample|density|cnf|cold)/`)},
	{"diffrax-backsolve", regexp.MustCompile(`^cnf/`)},
}

// side is a process that measures on request: this program itself, or a peer's script.
type side struct {
	name    string
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// command returns what is started for a side.
func command(ctx context.Context, name string, threads int, self, python, script string) *exec.Cmd {
	if name == ours {
		cmd := exec.CommandContext(ctx, self, serveFlag)
		cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(threads))
		return cmd
	}
	return exec.CommandContext(ctx, python, script, name, "--threads", strconv.Itoa(threads))
}

func start(name string, cmd *exec.Cmd, log io.Writer) (*side, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &side{name: name, process: cmd, in: in, out: bufio.NewScanner(out)}, nil
}

// ask sends a request and waits for the answer. others is how many CPUs other processes used meanwhile.
func (s *side) ask(r request) (a answer, others float64, err error) {
	line, err := json.Marshal(r)
	if err != nil {
		return a, 0, err
	}
	begin, machine, own := time.Now(), busy(), used(s.process.Process.Pid)
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		return a, 0, fmt.Errorf("%s: %w", s.name, err)
	}
	if !s.out.Scan() {
		return a, 0, fmt.Errorf("%s ended: %w", s.name, orEOF(s.out.Err()))
	}
	others = max(0, (busy()-machine)-(used(s.process.Process.Pid)-own)) / time.Since(begin).Seconds()
	if err := json.Unmarshal(s.out.Bytes(), &a); err != nil {
		return a, 0, fmt.Errorf("%s: %q: %w", s.name, s.out.Text(), err)
	}
	return a, others, nil
}

func orEOF(err error) error {
	if err == nil {
		return io.ErrUnexpectedEOF
	}
	return err
}

// close ends the process: without requests it has nothing more to do.
func (s *side) close() {
	s.in.Close()
	s.process.Wait()
}

// The machine's own accounts, in seconds of CPU; they stay 0 where there is no /proc.

// busy returns what the whole machine has used.
func busy() float64 {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return busyOf(string(raw))
}

// busyOf reads the first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal … in ticks.
func busyOf(stat string) float64 {
	line, _, _ := strings.Cut(stat, "\n")
	var sum float64
	for i, field := range strings.Fields(line) {
		if i == 0 || i == 4 || i == 5 || i > 8 {
			continue
		}
		v, _ := strconv.ParseFloat(field, 64)
		sum += v
	}
	return sum / ticks
}

// ticks a second: what Linux tells programs on every architecture Go runs on.
const ticks = 100

// used returns what a process, with its ended children, has used.
func used(pid int) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return usedOf(string(raw))
}

// usedOf reads /proc/PID/stat: fields 14 to 17, counted behind the name, which may hold anything.
func usedOf(stat string) float64 {
	i := strings.LastIndexByte(stat, ')')
	fields := strings.Fields(stat[i+1:])
	var sum float64
	for _, k := range []int{11, 12, 13, 14} {
		if k < len(fields) {
			v, _ := strconv.ParseFloat(fields[k], 64)
			sum += v
		}
	}
	return sum / ticks
}
