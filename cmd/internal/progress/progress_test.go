package progress

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// run shows 3000 steps at 100 a second on a clock of its own.
func run(live, color bool) string {
	var out bytes.Buffer
	at := time.Unix(0, 0)
	l := newLine(&out, live, color, 0, func() time.Time { return at })
	for step := 1; step <= 3000; step++ {
		at = at.Add(10 * time.Millisecond)
		val := math.NaN()
		if step > 1500 {
			val = 0.25
		}
		l.Show(step, 3000, 0.5, val)
	}
	l.End()
	return out.String()
}

func TestPlainLinesAreRare(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(run(false, false)), "\n")
	require.Equal(t, []string{
		"step 1000/3000  loss 0.5000  100 steps/s  20 s left",
		"step 2000/3000  loss 0.5000  held-out 0.2500  100 steps/s  10 s left",
		"step 3000/3000  loss 0.5000  held-out 0.2500  100 steps/s  0 s left",
	}, lines, "30 s: one line in 10 s")
}

func TestLiveLineIsRewritten(t *testing.T) {
	out := run(true, false)
	require.Equal(t, 1, strings.Count(out, "\n"), "only the end of the line")
	require.Greater(t, strings.Count(out, "\r"), 200)
	require.NotContains(t, out, "\x1b", "NO_COLOR: no escapes")
	require.Contains(t, run(true, true), "\x1b[36m")
}

func TestAFileIsNotATerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	require.NoError(t, err)
	defer f.Close()
	require.False(t, New(f, 0).Live())
	var silent *Line
	silent.Show(1, 2, 0, 0)
	silent.End()
}

func TestRate(t *testing.T) {
	require.Equal(t, []string{"0.31", "9.4", "10", "5200"}, []string{Rate(0.312), Rate(9.4), Rate(9.6), Rate(5200.4)})
}

func TestClock(t *testing.T) {
	require.Equal(t, "42 s", clock(42))
	require.Equal(t, "2:05 min", clock(125))
	require.Equal(t, "2:05 h", clock(7500))
}
