package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// openUnnamed opens a file without a name in dir (open(2), O_TMPFILE). Not every
// file system can, and without /proc it could not be linked later (open(2),
// example of linkat): then it reports false, and why the directory cannot be
// written to shows when a named file is tried.
func openUnnamed(dir *os.Root, perm fs.FileMode) (*os.File, bool) {
	d, err := dir.Open(".")
	if err != nil {
		return nil, false
	}
	defer d.Close()
	fd, err := unix.Openat(int(d.Fd()), ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, uint32(perm.Perm()))
	if err != nil {
		return nil, false
	}
	f := os.NewFile(uintptr(fd), dir.Name())
	if unix.Access(procPath(f), unix.F_OK) != nil {
		f.Close()
		return nil, false
	}
	return f, true
}

// linkUnnamed gives the file a name in a directory. It reports false if the name is
// taken.
func linkUnnamed(f *os.File, dir *os.Root, base string) (bool, error) {
	d, err := dir.Open(".")
	if err != nil {
		return false, err
	}
	defer d.Close()
	err = unix.Linkat(unix.AT_FDCWD, procPath(f), int(d.Fd()), base, unix.AT_SYMLINK_FOLLOW)
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, &fs.PathError{Op: "create", Path: base, Err: err}
	}
	return true, nil
}

func procPath(f *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(f.Fd())) }
