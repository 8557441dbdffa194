package rootfs

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// missing asks the kernel whether there is nothing under a name (openat2(2),
// RESOLVE_IN_ROOT): most names that a loader tries are of that kind, and a walk
// costs far more. Whatever else it says, or that it cannot, is left to the walk.
func (f FS) missing(name string) error {
	if f.Dir == "" {
		return nil
	}
	root, err := unix.Open(f.Dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(root)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT}
	fd, err := unix.Openat2(root, name, &how)
	if err == nil {
		unix.Close(fd)
		return nil
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return &fs.PathError{Op: "open", Path: f.Host(name), Err: err}
	}
	return nil
}
