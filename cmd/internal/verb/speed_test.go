package verb

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"pushforward/simd"
)

// TestSpeed holds info -speed to its table: a column for each tier this CPU has, a line for each piece of work,
// speeds that are positive, and shares only where
// there is a peak. On a machine at work a peak can be measured too low, so that no bound on shares holds.
func TestSpeed(t *testing.T) {
	var out strings.Builder
	require.NoError(t, speed(&out, time.Microsecond))
	text := out.String()
	t.Log(text)
	levels := simd.Levels()
	rows := 0
	var columns []string
	cells := regexp.MustCompile(`^(.{32})(.*)$`)
	for _, line := range strings.Split(text[strings.Index(text, "registers only"):], "\n") {
		m := cells.FindStringSubmatch(line)
		if m == nil {
			require.Empty(t, line)
			continue
		}
		f := strings.Fields(m[2])
		if f[0] == simd.Generic.String() {
			columns = f
			continue
		}
		require.Len(t, columns, 2*len(levels), line)
		rows++
		at := 0
		for _, l := range levels {
			require.Greater(t, len(f), at, line)
			value := f[at]
			at++
			if value == "-" {
				require.Equal(t, simd.Generic, l, line)
				continue
			}
			v, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err, line)
			require.GreaterOrEqual(t, v, 0.0, line)
			if l == simd.Generic || strings.HasPrefix(line, "peak") {
				continue
			}
			share, err := strconv.ParseFloat(f[at], 64)
			require.NoError(t, err, line)
			require.Equal(t, "%", f[at+1], line)
			require.GreaterOrEqual(t, share, 0.0, line)
			require.Positive(t, v, line)
			at += 2
		}
		require.Len(t, f, at, line)
	}
	want := 1 + len(productGauges[float32](1)) + len(productGauges[float64](1)) + len(elementGauges[float32](1)) + len(elementGauges[float64](1))
	require.Equal(t, want, rows)
	for _, name := range []string{"64×64×64 nn", "256×64×64 tn", "256×256×256 nt", "512×512×512 nn", "1×64×64 nb", "exp", "tanh", "normal numbers"} {
		require.Equal(t, 2, strings.Count(text, "\n"+name+" "), name)
	}
}

// TestFastest times what takes a known time.
func TestFastest(t *testing.T) {
	n := 0
	d := fastest(func() { n++; time.Sleep(100 * time.Microsecond) }, 2*time.Millisecond)
	require.GreaterOrEqual(t, d, 100*time.Microsecond)
	require.Less(t, d, 100*time.Millisecond)
	require.Greater(t, n, 1) // the first one is not timed
	n = 0
	d = fastest(func() { n++; time.Sleep(time.Duration(4-n) * 10 * time.Millisecond) }, time.Microsecond) // 20, 10 and 0 ms
	require.Equal(t, 4, n)
	require.Less(t, d, 20*time.Millisecond, "not the first, even if one of the others was stopped")
}
