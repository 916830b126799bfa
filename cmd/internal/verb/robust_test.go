package verb

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stoppedRun starts a long run in dir/out and interrupts it, with so many signals, once it has saved two states.
func stoppedRun(t *testing.T, dir, out string, signals int) result {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	c := command(t, dir, tiny("-steps", "200000", "-hidden", "64", "-checkpoint", "5ms", "-log", "1000000", "-out", out)...)
	var errs strings.Builder
	c.Stderr = &errs
	require.NoError(t, c.Start())
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, out, "state.previous.safetensors")); err == nil {
			break
		}
		require.True(t, time.Now().Before(end), "no state was saved: %s", &errs)
	}
	for range signals {
		c.Process.Signal(os.Interrupt)
		time.Sleep(500 * time.Microsecond)
	}
	c.Wait()
	return result{c.ProcessState.ExitCode(), "", errs.String()}
}

// brief resumes a run, interrupts it as soon as it has said what it does, and returns what it said.
func brief(t *testing.T, dir, out string) string {
	t.Helper()
	c := command(t, dir, "train", "-resume", out, "-checkpoint", "1h", "-log", "1000000")
	pipe, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	var all strings.Builder
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		all.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "folder "+out) {
			c.Process.Signal(os.Interrupt)
		}
	}
	c.Wait()
	return all.String()
}

// TestDamagedState: the state before is taken up if the newest is damaged, cut or gone; without one the message says what to do.
func TestDamagedState(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	stoppedRun(t, dir, "r", 1)
	state, before := dir+"/r/state.safetensors", dir+"/r/state.previous.safetensors"
	whole, old := readFile(t, state), readFile(t, before)
	for name, damage := range map[string]func(){
		"flipped": func() { put(t, state, flipped([]byte(whole), len(whole)/2)) },
		"cut":     func() { put(t, state, whole[:len(whole)/3]) },
		"empty":   func() { put(t, state, "") },
		"gone":    func() { os.Remove(state) },
	} {
		os.Remove(state)
		os.Remove(before)
		put(t, before, old)
		damage()
		require.Regexp(t, `note: r/state.safetensors.*; going on from the state before it, of step [1-9]`, brief(t, dir, "r"), name)
	}
	os.Remove(before)
	put(t, before, old[:50])
	put(t, state, whole[:50])
	r := run(t, dir, "train", "-resume", "r")
	require.Equal(t, refused, r.code)
	require.Contains(t, r.err, "r/state.safetensors")
	require.Contains(t, r.err, "start again: train -config r/config.json -out r -force")
	require.True(t, whole[:50] == readFile(t, state), "it is left for a look")
}

// TestSecondInterrupt: two signals end the process at once, with the code of the first, and leave states that can be read.
func TestSecondInterrupt(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	for range 3 {
		os.RemoveAll(dir + "/r")
		r := stoppedRun(t, dir, "r", 2)
		require.Equal(t, sigint, r.code, r.err)
		require.NotContains(t, brief(t, dir, "r"), "note: r/state", "the newest state is whole")
	}
}

// TestFullDisk: a limit on the size of files stands in for a disk that is full. The error names the file, the state before stays as
// it was, and nothing half written is left.
func TestFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sets a limit by a shell")
	}
	dir := t.TempDir()
	put(t, dir+"/t.csv", smallTable(80))
	stoppedRun(t, dir, "r", 1)
	state := readFile(t, dir+"/r/state.safetensors")
	require.Greater(t, len(state), 64<<10)
	command(t, dir) // skips where there is none
	limited := func(args string) result {
		c := exec.Command("sh", "-c", "ulimit -f 64; exec "+built+" "+args)
		c.Dir = dir
		return finish(t, c)
	}
	r := limited("train -resume r -quiet -checkpoint 1ms -log 1000000")
	require.Equal(t, failed, r.code, r.err)
	require.Regexp(t, `r/state.safetensors.*file too large; the state saved before is whole: make room and go on with -resume r`, r.err)
	require.Equal(t, 1, strings.Count(r.err, "\n"), r.err)
	require.True(t, state == readFile(t, dir+"/r/state.safetensors"), "the state before is as it was")
	left, err := filepath.Glob(dir + "/r/*.tmp-*")
	require.NoError(t, err)
	require.Empty(t, left)
	brief(t, dir, "r")

	r = limited(strings.Join(tiny("-hidden", "64", "-checkpoint", "1ms", "-out", "new"), " "))
	require.Equal(t, failed, r.code, r.err)
	require.Contains(t, r.err, "no state had been saved before")
}
