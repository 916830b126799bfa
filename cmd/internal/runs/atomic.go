package runs

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// file is what an atomic write needs of a file.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// disk is what an atomic write needs of a file system. It is a seam for the test that makes the n-th
// operation fail, for every n.
type disk interface {
	Create(path string) (file, error)
	Rename(from, to string) error
	Remove(path string) error
	SyncDir(dir string) error
}

type osDisk struct{}

func (osDisk) Create(path string) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
}
func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) Remove(path string) error     { return os.Remove(path) }

// SyncDir makes a rename in dir durable. Windows and js cannot sync a folder and need not.
func (osDisk) SyncDir(dir string) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// temporary marks the names of files that are being written.
const temporary = ".tmp-"

// WriteFile replaces path by what write produces, or leaves it as it was: the bytes go to a temporary
// file in the same folder, which is synced, closed, renamed into place, and its folder synced. A reader
// sees the old file or the new one, never a part.
func WriteFile(path string, write func(io.Writer) error) error {
	return writeFile(osDisk{}, path, write)
}

func writeFile(d disk, path string, write func(io.Writer) error) (err error) {
	tmp := fmt.Sprintf("%s%s%d", path, temporary, os.Getpid())
	f, err := d.Create(tmp)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			d.Remove(tmp)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = d.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return d.SyncDir(filepath.Dir(path))
}

// sweep removes the temporary files that killed processes left in dir and its plots. The caller holds
// the lock, so nobody is writing them.
func sweep(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(e.Name(), temporary) {
			err = os.Remove(path)
		}
		return err
	})
}
