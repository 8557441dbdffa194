//go:build linux || darwin

package atomicfile

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock tells others that the owner of a temporary file lives: the lock ends with
// the process, however that ends. It reports false if somebody else has it, who then
// removes the file. A file system without locks has none.
func lock(f *os.File) bool {
	return !errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// abandoned reports whether nobody has the lock of a temporary file or folder.
func abandoned(root *os.Root, name string) bool {
	info, err := root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return false
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer f.Close()
	opened, err := f.Stat()
	return err == nil && os.SameFile(info, opened) && unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
