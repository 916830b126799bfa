// Package runs keeps the folder of a training run: who may write to it, how its files are replaced so
// that a crash at any moment leaves each old or new and never torn, and where the newest run is.
//
//	runs/<name>/
//	  config.json          the effective configuration
//	  model.safetensors    the model
//	  state.safetensors    what resume reads; state.previous.safetensors is the one before
//	  summary.json         the final figures
//	  metrics.jsonl        one line per logged step
//	  plots/*.png  log.txt
//
// A folder belongs to the process that holds its lock, which ends with the process however it dies.
package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The files of a run.
const (
	Config  = "config.json"
	Model   = "model.safetensors"
	State   = "state.safetensors"
	Summary = "summary.json"
	Log     = "log.txt"
	Plots   = "plots"
	Reflow  = "reflow" // the rounds of a reflow: pairs, models between

	metricsFile = "metrics.jsonl"
	lockFile    = ".lock"
)

// Root is where runs are made unless a folder is named.
const Root = "runs"

var (
	// ErrNotEmpty says that a folder for a new run already holds something.
	ErrNotEmpty = errors.New("folder is not empty; give another -out, -resume it, or overwrite it with -force")
	// ErrLocked says that another process is writing to the folder.
	ErrLocked = errors.New("folder is in use by another run")
	// ErrNoRun says that a folder is not a run's.
	ErrNoRun = errors.New("not a run folder: it has no " + Config)
)

// Run is a run's folder, held by this process.
type Run struct {
	Dir  string
	lock *os.File
}

// NewDir returns a fresh folder name under Root: the UTC time and what the run is about.
func NewDir(name string, now time.Time) string {
	base := filepath.Join(Root, now.UTC().Format("20060102-150405")+"-"+clean(name))
	dir := base
	for i := 2; ; i++ {
		if _, err := os.Stat(dir); err != nil {
			return dir
		}
		dir = fmt.Sprintf("%s-%d", base, i)
	}
}

// clean makes a file name of a data set's name or path.
func clean(name string) string {
	name = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, name)
	if name == "" {
		return "run"
	}
	return name
}

// Create makes dir a new run's folder and takes its lock. A folder that holds anything but locks and
// temporary files is refused with ErrNotEmpty; with force the files of an earlier run are removed
// first, and nothing else is.
func Create(dir string, force bool) (*Run, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	r, err := take(dir)
	if err != nil {
		return nil, err
	}
	if err := r.clear(force); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Run) clear(force bool) error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	ours := map[string]bool{Config: true, Model: true, State: true, Previous(State): true, Summary: true, Log: true, Plots: true, Reflow: true, metricsFile: true}
	for _, e := range entries {
		switch {
		case e.Name() == lockFile || strings.Contains(e.Name(), temporary):
		case !force:
			return fmt.Errorf("%s: %w", r.Dir, ErrNotEmpty)
		case ours[e.Name()]:
			if err := os.RemoveAll(r.Path(e.Name())); err != nil {
				return fmt.Errorf("run folder: %w", err)
			}
		}
	}
	return sweep(r.Dir)
}

// Resume takes the lock of an existing run.
func Resume(dir string) (*Run, error) {
	if _, err := os.Stat(filepath.Join(dir, Config)); err != nil {
		if _, derr := os.Stat(dir); derr != nil {
			return nil, fmt.Errorf("run folder: %w", derr)
		}
		return nil, fmt.Errorf("%s: %w", dir, ErrNoRun)
	}
	r, err := take(dir)
	if err != nil {
		return nil, err
	}
	if err := sweep(dir); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// take opens dir's lock file and locks it, or says who holds it.
func take(dir string) (*Run, error) {
	f, err := lock(filepath.Join(dir, lockFile))
	if errors.Is(err, ErrLocked) {
		if pid, _ := os.ReadFile(filepath.Join(dir, lockFile)); len(strings.TrimSpace(string(pid))) > 0 {
			return nil, fmt.Errorf("%s: %w (process %s)", dir, ErrLocked, strings.TrimSpace(string(pid)))
		}
		return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("run folder: %w", err)
	}
	return &Run{Dir: dir, lock: f}, nil
}

// Close gives the folder up. The lock file stays: to remove it would let two processes hold one name.
func (r *Run) Close() error { return r.lock.Close() }

// Path returns the path of a file in the folder.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// Has reports whether the folder holds a file.
func (r *Run) Has(name string) bool {
	_, err := os.Stat(r.Path(name))
	return err == nil
}

// Logf appends to the folder's log.txt, each text after the time. Its errors are passed over: a log is
// not worth a run.
func (r *Run) Logf(format string, a ...any) {
	f, err := os.OpenFile(r.Path(Log), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	text := strings.TrimRight(fmt.Sprintf(format, a...), "\n")
	fmt.Fprintf(f, "%s %s\n", time.Now().UTC().Format(time.RFC3339), strings.ReplaceAll(text, "\n", "\n  "))
}

// WriteFile replaces a file of the folder, making the folder it lies in. See the function WriteFile.
func (r *Run) WriteFile(name string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(r.Path(name)), 0o755); err != nil {
		return err
	}
	return WriteFile(r.Path(name), write)
}

// Previous is the name under which Replace keeps the file before.
func Previous(name string) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + ".previous" + ext
}

// Replace is WriteFile that keeps the file it replaces under Previous(name), so that there is another one if the new one is
// damaged on its disk. Where files cannot have two names the old one is not kept.
func (r *Run) Replace(name string, write func(io.Writer) error) error {
	if r.Has(name) {
		os.Remove(r.Path(Previous(name)))
		os.Link(r.Path(name), r.Path(Previous(name)))
	}
	return r.WriteFile(name, write)
}

// WriteJSON replaces a file of the folder by v as indented JSON.
func (r *Run) WriteJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return r.WriteFile(name, func(w io.Writer) error {
		_, err := w.Write(append(b, '\n'))
		return err
	})
}

// Newest returns the folder under root whose model was written last, and false if there is none.
func Newest(root string) (dir string, found bool) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return "", false
	}
	var best time.Time
	for _, e := range entries { // by name, so of equal times the later name wins
		info, err := os.Stat(filepath.Join(root, e.Name(), Model))
		if err == nil && !info.ModTime().Before(best) {
			best, dir, found = info.ModTime(), filepath.Join(root, e.Name()), true
		}
	}
	return dir, found
}
