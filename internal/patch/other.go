//go:build !unix

package patch

import (
	"io/fs"
	"os"
)

// writable asks whether a file may be written to.
func writable(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o200 == 0 {
		return fs.ErrPermission
	}
	return err
}

// links returns how many names a file has, as far as that is known.
func links(fs.FileInfo) uint64 { return 1 }
