//go:build unix

package patch

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// writable asks whether this process may write to a file. It is not opened for
// that: nobody can write to a program that runs (ETXTBSY), but replace it.
func writable(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
}

// links returns how many names a file has.
func links(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Nlink)
	}
	return 1
}
