package dataset

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Option changes how a table is read.
type Option int

// KeepBad keeps a cell that holds no usable number, in a column of numbers, as +Inf instead of refusing the
// table: NaN, an infinity, a number out of range, a text.
const KeepBad Option = 1

// Open reads a table from a file: .csv, .tsv and .txt by [OpenCSV], .npy by [OpenNPY], each also
// compressed (.csv.gz and so on). Errors name the file without its folder.
func Open(path string, opt ...Option) (*Table, error) {
	name := filepath.Base(path)
	base, zipped := strings.CutSuffix(strings.ToLower(name), ".gz")
	var read func(io.Reader, string, ...Option) (*Table, error)
	switch filepath.Ext(base) {
	case ".csv", ".tsv", ".txt":
		read = OpenCSV
	case ".npy":
		read = OpenNPY
	default:
		if _, err := os.Stat(path); err != nil {
			return nil, openError(path, err)
		}
		return nil, refuse("%s: the ending says neither .csv, .tsv, .txt nor .npy (each may be followed by .gz)", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, refuse("%s: it is a folder", name)
	}
	var r io.Reader = bufio.NewReaderSize(f, 64<<10)
	if zipped {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, &refusal{"dataset: " + name + ": " + oneLine(err.Error()), err}
		}
	}
	return read(r, name, opt...)
}

// openError says that a path cannot be opened; unlike other errors it names the whole path.
func openError(path string, err error) error {
	cause := err
	if pe, ok := err.(*os.PathError); ok {
		cause = pe.Err
	}
	return &refusal{oneLine("dataset: " + path + ": " + cause.Error()), err}
}
