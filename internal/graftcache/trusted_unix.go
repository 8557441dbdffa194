//go:build unix

package graftcache

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// trusted refuses folders that everybody can write to, and those of other users. What root
// has made is trusted, and root, as in a container, works for whoever the folder belongs to.
func trusted(info fs.FileInfo) error {
	if writable(info) {
		return errOpen
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if self := os.Geteuid(); ok && !owned(int(stat.Uid), self) {
		return fmt.Errorf("it belongs to user %d, not to %d", stat.Uid, self)
	}
	return nil
}

// owned reports whether a user takes what belongs to another.
func owned(owner, user int) bool { return owner == user || owner == 0 || user == 0 }
