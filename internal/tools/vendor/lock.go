package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// lockName is the lock's file name, beside the libraries.
const lockName = "lock.json"

// Lock lists all vendored packages.
type Lock []Package

// Package is one library: where it comes from and which of its files are kept.
type Package struct {
	Name      string `json:"pkg"`
	Version   string `json:"version"`
	License   string `json:"license"`
	Integrity string `json:"integrity"` // sha512 of the published archive, as npm states it
	Files     []File `json:"files"`
}

// File is one vendored file.
type File struct {
	From   string `json:"from"`   // in the package
	To     string `json:"to"`     // below the folder
	SHA384 string `json:"sha384"` // in the form of subresource integrity
}

// readLock reads the lock of dir.
func readLock(dir string) (Lock, error) {
	text, err := os.ReadFile(filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	var lock Lock
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return lock, nil
}

// write writes the lock into dir.
func (l Lock) write(dir string) error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, lockName), append(text, '\n'), 0o644)
}

// verify compares dir with the lock: every listed file is there and
// unmodified, every package brings its licence, and nothing else lies about.
func (l Lock) verify(dir string) error {
	var problems []error
	known := []string{lockName}
	for _, p := range l {
		licensed := false
		for _, f := range p.Files {
			known = append(known, f.To)
			licensed = licensed || strings.HasPrefix(filepath.Base(f.To), "LICENSE")
			body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.To)))
			if err != nil {
				problems = append(problems, err)
			} else if got := sri384(body); got != f.SHA384 {
				problems = append(problems, fmt.Errorf("%s: hash is %s, the lock says %s", f.To, got, f.SHA384))
			}
		}
		if !licensed {
			problems = append(problems, fmt.Errorf("package %q: no licence is kept", p.Name))
		}
	}
	problems = append(problems, strangers(dir, known))
	return errors.Join(problems...)
}

// strangers reports the files in dir that are not among the known.
func strangers(dir string, known []string) error {
	var problems []error
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !slices.Contains(known, name) {
			problems = append(problems, fmt.Errorf("%s: not in the lock", name))
		}
		return err
	})
	return errors.Join(append(problems, err)...)
}

// unpack returns the files of an npm archive by their path in the package.
func unpack(archive io.Reader) (map[string][]byte, error) {
	z, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	contents := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return contents, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		_, name, _ := strings.Cut(h.Name, "/") // archives have one folder around all
		if contents[name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

// sri384 returns the sha384 of body in the form of subresource integrity.
func sri384(body []byte) string {
	sum := sha512.Sum384(body)
	return "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
}

// sri512 returns the sha512 of body in the form of subresource integrity.
func sri512(body []byte) string {
	sum := sha512.Sum512(body)
	return "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
}
