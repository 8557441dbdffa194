package spool

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// newFile opens a file that never has a name, where the file system can do that
// (open(2), O_TMPFILE).
func newFile(dir string) (*os.File, error) {
	where := dir
	if where == "" {
		where = os.TempDir()
	}
	fd, err := unix.Open(where, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return named(dir)
	}
	return os.NewFile(uintptr(fd), filepath.Join(where, "wheelmend (unnamed)")), nil
}
