package runs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Line is one logged step. A held-out loss is there on the steps that were evaluated.
type Line struct {
	Step     int      `json:"step"`
	WallS    float64  `json:"wall_s"`
	Loss     float64  `json:"loss"`
	ValLoss  *float64 `json:"val_loss,omitempty"`
	ValOwn   *float64 `json:"val_own,omitempty"`   // of the step's own weights, where others were kept: ValLoss is theirs
	ValShare *float64 `json:"val_share,omitempty"` // with ValOwn: how much of the way from the best weights to the step's own was kept
	GradNorm float64  `json:"grad_norm"`
	LR       float64  `json:"lr"`
	RowsPerS float64  `json:"rows_per_s"`
}

// Metrics appends to a run's metrics.jsonl. It is a log, not a checkpoint: its last lines may be lost
// in a crash, and lines after the checkpoint are cut when the run is taken up again.
type Metrics struct{ f *os.File }

// Metrics opens the log, keeping the whole lines of steps up to step.
func (r *Run) Metrics(step int) (*Metrics, error) {
	path := r.Path(metricsFile)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	keep := cut(old, step)
	if len(keep) != len(old) {
		err := r.WriteFile(metricsFile, func(w io.Writer) error {
			_, err := w.Write(keep)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &Metrics{f}, nil
}

// cut returns the beginning of a log that a run stopped after step would have written.
func cut(log []byte, step int) []byte {
	end := 0
	for s := bufio.NewReader(bytes.NewReader(log)); ; {
		text, err := s.ReadBytes('\n')
		var l Line
		if err != nil || json.Unmarshal(text, &l) != nil || l.Step > step {
			return log[:end]
		}
		end += len(text)
	}
}

// LastWall returns the training time of the log's last line, which a resumed run goes on from.
func (r *Run) LastWall() float64 {
	b, _ := os.ReadFile(r.Path(metricsFile))
	b = bytes.TrimRight(b, "\n")
	var l Line
	if json.Unmarshal(b[bytes.LastIndexByte(b, '\n')+1:], &l) != nil {
		return 0
	}
	return l.WallS
}

// Add appends a line.
func (m *Metrics) Add(l Line) error {
	b, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("metrics: step %d: %w", l.Step, err)
	}
	_, err = m.f.Write(append(b, '\n'))
	return err
}

// Close closes the log.
func (m *Metrics) Close() error { return m.f.Close() }

// Lines reads the whole lines of a run's log.
func (r *Run) Lines() (lines []Line) {
	b, _ := os.ReadFile(r.Path(metricsFile))
	for len(b) > 0 {
		text, rest, _ := bytes.Cut(b, []byte("\n"))
		var l Line
		if json.Unmarshal(text, &l) == nil {
			lines = append(lines, l)
		}
		b = rest
	}
	return lines
}
