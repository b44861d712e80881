package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"convoy/node"
	"convoy/peer"
)

// keepCookie replaces the generated cookie of a local fleet by the one in the data directory, which the first start
// creates, so that logins survive a restart. If it cannot be stored or read, each start has another one.
func keepCookie(cfg *node.Config) error {
	if !cfg.GeneratedCookie || cfg.Data == "" {
		return nil
	}
	path := filepath.Join(cfg.Data, "cookie")
	if err := createCookie(path, cfg.Cookie); err != nil {
		return nil
	}
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0) {
		return hint("chmod 600 "+path, "other users can read the cookie in %s", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	cookie := strings.TrimSpace(string(text))
	if err := peer.CheckCookie(cookie); err != nil {
		return hint("remove the file, and the next start creates another; everyone has to log in again",
			"the cookie in %s: %v", path, err)
	}
	cfg.Cookie, cfg.GeneratedCookie = cookie, false
	return nil
}

// createCookie writes a cookie unless the file exists. It appears whole or not at all, and of two nodes that start
// at once, both use the same.
func createCookie(path, cookie string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "cookie-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(cookie + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
