package bench

import (
	"embed"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed peers/*.py
var scripts embed.FS

// WriteScripts lays out under dir the peers' scripts, in peers, and the trained fields they read, in testdata, and
// returns the path of the one to start.
func WriteScripts(dir string) (string, error) {
	for _, from := range []embed.FS{scripts, trainedFields} {
		err := fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			to := filepath.Join(dir, filepath.FromSlash(path))
			if d.IsDir() {
				return os.MkdirAll(to, 0o755)
			}
			raw, err := from.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, raw, 0o644)
		})
		if err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, "peers", "peers.py"), nil
}

// Python returns the interpreter of the peers' environment, made by bench/peers/setup.sh: that of the folder venv, or
// if it is empty of $PUSHFORWARD_VENV, of $PEERS_VENV, or of pushforward-peers in the user's cache. It is "" if there
// is none.
func Python(venv string) string {
	places := []string{venv}
	if venv == "" {
		places = []string{os.Getenv("PUSHFORWARD_VENV"), os.Getenv("PEERS_VENV")}
		if cache, err := os.UserCacheDir(); err == nil {
			places = append(places, filepath.Join(cache, "pushforward-peers"))
		}
	}
	for _, place := range places {
		for _, name := range []string{"bin/python", "Scripts/python.exe"} {
			path := filepath.Join(place, filepath.FromSlash(name))
			if place == "" {
				continue
			}
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}
