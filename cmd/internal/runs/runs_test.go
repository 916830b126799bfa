package runs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCreateRefusesWhatIsNotEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	r, err := Create(dir, false)
	require.NoError(t, err)

	_, err = Create(dir, false)
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, fmt.Sprint(os.Getpid()))
	_, err = Create(dir, true)
	require.ErrorIs(t, err, ErrLocked, "force does not break a lock")
	require.NoError(t, r.Close())

	// A folder that holds only a lock and temporaries counts as empty, and is swept.
	stale := filepath.Join(dir, Model+temporary+"17")
	require.NoError(t, os.WriteFile(stale, []byte("half"), 0o644))
	r, err = Create(dir, false)
	require.NoError(t, err)
	require.NoFileExists(t, stale)
	require.NoError(t, r.WriteJSON(Config, map[string]int{"steps": 3}))
	require.NoError(t, r.WriteJSON(filepath.Join(Plots, "x.json"), 1))
	require.NoError(t, r.Close())

	_, err = Create(dir, false)
	require.ErrorIs(t, err, ErrNotEmpty)
	require.FileExists(t, filepath.Join(dir, Config))

	// Force removes a run's files, and a stranger's stay.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644))
	r, err = Create(dir, true)
	require.NoError(t, err)
	require.NoFileExists(t, r.Path(Config))
	require.NoDirExists(t, r.Path(Plots))
	require.FileExists(t, r.Path("thesis.tex"))
	require.NoError(t, r.Close())
}

func TestResume(t *testing.T) {
	dir := t.TempDir()
	_, err := Resume(dir)
	require.ErrorIs(t, err, ErrNoRun)
	_, err = Resume(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)

	r, err := Create(dir, false)
	require.NoError(t, err)
	require.NoError(t, r.WriteJSON(Config, 1))
	_, err = Resume(dir)
	require.ErrorIs(t, err, ErrLocked)
	require.NoError(t, r.Close())
	stale := r.Path(filepath.Join(Plots, "samples.png"+temporary+"9"))
	require.NoError(t, os.MkdirAll(filepath.Dir(stale), 0o755))
	require.NoError(t, os.WriteFile(stale, nil, 0o644))
	r, err = Resume(dir)
	require.NoError(t, err)
	require.NoFileExists(t, stale)
	require.NoError(t, r.Close())
}

// failing is a disk whose n-th operation fails.
type failing struct {
	osDisk
	left int
}

type failingFile struct {
	file
	d *failing
}

var errDisk = errors.New("disk: no space left")

func (d *failing) tick() error {
	d.left--
	if d.left == 0 {
		return errDisk
	}
	return nil
}

func (d *failing) Create(path string) (file, error) {
	if err := d.tick(); err != nil {
		return nil, err
	}
	f, err := d.osDisk.Create(path)
	return failingFile{f, d}, err
}

func (d *failing) Rename(from, to string) error {
	if err := d.tick(); err != nil {
		return err
	}
	return d.osDisk.Rename(from, to)
}

func (d *failing) SyncDir(dir string) error {
	if err := d.tick(); err != nil {
		return err
	}
	return d.osDisk.SyncDir(dir)
}

func (f failingFile) Write(b []byte) (int, error) {
	if err := f.d.tick(); err != nil {
		n, _ := f.file.Write(b[:len(b)/2])
		return n, err
	}
	return f.file.Write(b)
}

func (f failingFile) Sync() error {
	if err := f.d.tick(); err != nil {
		return err
	}
	return f.file.Sync()
}

func (f failingFile) Close() error {
	err := f.file.Close()
	if terr := f.d.tick(); terr != nil {
		return terr
	}
	return err
}

// TestEveryWriteStepCanFail makes each operation of a replacement fail in turn: the file is the old one
// or the new one, the error says so, and no temporary is left.
func TestEveryWriteStepCanFail(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	fresh := func(w io.Writer) error {
		_, err := io.WriteString(w, "new")
		return err
	}
	for n := 1; ; n++ {
		require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
		d := &failing{left: n}
		err := writeFile(d, path, fresh)
		if d.left > 0 { // fewer than n operations
			require.NoError(t, err)
			require.Greater(t, n, 6, "create, write, sync, close, rename, sync of the folder")
			break
		}
		require.ErrorIs(t, err, errDisk, "operation %d", n)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, []string{"old", "new"}, string(b), "operation %d", n)
		if n < 6 {
			require.Equal(t, "old", string(b), "operation %d", n)
		}
		left, err := filepath.Glob(path + temporary + "*")
		require.NoError(t, err)
		require.Empty(t, left, "operation %d", n)
	}
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "new", string(b))
}

// TestWriteFile looks at a writer that fails and at the mode of a written file.
func TestWriteFile(t *testing.T) {
	failed := errors.New("the writer's own")
	path := filepath.Join(t.TempDir(), "f")
	require.ErrorIs(t, WriteFile(path, func(io.Writer) error { return failed }), failed)
	require.NoFileExists(t, path)

	require.NoError(t, WriteFile(path, func(w io.Writer) error { return nil }))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o644, info.Mode().Perm())
}

func TestMetricsAreCut(t *testing.T) {
	r, err := Create(t.TempDir(), false)
	require.NoError(t, err)
	defer r.Close()
	m, err := r.Metrics(0)
	require.NoError(t, err)
	for step := 10; step <= 50; step += 10 {
		require.NoError(t, m.Add(Line{Step: step, WallS: float64(step) / 10, Loss: 1}))
	}
	require.Error(t, m.Add(Line{Loss: 1 / zero}), "an infinite loss is not JSON")
	_, err = m.f.WriteString(`{"step":60,"wa`) // torn by a crash
	require.NoError(t, err)
	require.NoError(t, m.Close())

	m, err = r.Metrics(35)
	require.NoError(t, err)
	require.Equal(t, 3.0, r.LastWall())
	require.NoError(t, m.Add(Line{Step: 40}))
	require.NoError(t, m.Close())
	b, err := os.ReadFile(r.Path(metricsFile))
	require.NoError(t, err)
	require.Len(t, splitLines(b), 4)
}

var zero float64

func splitLines(b []byte) (lines []string) {
	for start, i := 0, 0; i < len(b); i++ {
		if b[i] == '\n' {
			lines = append(lines, string(b[start:i]))
			start = i + 1
		}
	}
	return lines
}

func TestNewest(t *testing.T) {
	root := t.TempDir()
	_, found := Newest(root)
	require.False(t, found)
	now := time.Now()
	for i, name := range []string{"c", "a", "b"} {
		dir := filepath.Join(root, name)
		require.NoError(t, os.Mkdir(dir, 0o755))
		if name == "b" {
			continue // started last, no model yet
		}
		path := filepath.Join(dir, Model)
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		at := now.Add(time.Duration(i) * time.Minute)
		require.NoError(t, os.Chtimes(path, at, at))
	}
	dir, found := Newest(root)
	require.True(t, found)
	require.Equal(t, filepath.Join(root, "a"), dir)
}

func TestNewDir(t *testing.T) {
	t.Chdir(t.TempDir())
	at := time.Date(2026, 11, 25, 4, 5, 6, 0, time.UTC)
	dir := NewDir("../x y.csv", at)
	require.Equal(t, filepath.Join(Root, "20261125-040506-x-y"), dir)
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.Equal(t, dir+"-2", NewDir("../x y.csv", at))
}
