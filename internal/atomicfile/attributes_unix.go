//go:build linux || darwin

package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepAttributes gives to what from has besides contents, and returns what this
// process may not set.
func keepAttributes(to, from *os.File) (lost []string, err error) {
	info, err := from.Stat()
	if err != nil {
		return nil, err
	}
	mode := info.Mode() & modeBits
	if lost, err = keepOwner(to, info); err != nil {
		return nil, err
	}
	if slices.Contains(lost, "owner") {
		mode &^= fs.ModeSetuid
	}
	if slices.Contains(lost, "group") {
		mode &^= fs.ModeSetgid
	}
	if err := to.Chmod(mode); err != nil {
		return nil, err
	}
	names, err := keepXattrs(to, from)
	return append(lost, names...), err
}

// keepOwner sets owner and group. Only root may give files away (chown(2)).
func keepOwner(to *os.File, was fs.FileInfo) (lost []string, err error) {
	now, err := to.Stat()
	if err != nil {
		return nil, err
	}
	want, ok := was.Sys().(*syscall.Stat_t)
	have, ok2 := now.Sys().(*syscall.Stat_t)
	if !ok || !ok2 {
		return nil, errors.New("no owner is known on this system")
	}
	for _, part := range []struct {
		name     string
		same     bool
		uid, gid int
	}{
		{"group", have.Gid == want.Gid, -1, int(want.Gid)},
		{"owner", have.Uid == want.Uid, int(want.Uid), -1},
	} {
		if part.same {
			continue
		}
		err := to.Chown(part.uid, part.gid)
		if forbidden(err) {
			lost = append(lost, part.name)
		} else if err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// forbidden reports an attribute that cannot be set here at all, or not by this
// process.
func forbidden(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL)
}

// keepXattrs copies the extended attributes, access control lists and file
// capabilities among them (xattr(7)).
func keepXattrs(to, from *os.File) (lost []string, err error) {
	names, err := listXattrs(from)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		// Signatures of the old bytes.
		if name == "security.ima" || name == "security.evm" {
			continue
		}
		value, err := xattr(from, name)
		if forbidden(err) {
			lost = append(lost, "extended attribute "+name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("extended attribute %s: %w", name, err)
		}
		err = unix.Fsetxattr(int(to.Fd()), name, value, 0)
		if forbidden(err) {
			// A security module may have set the very same value already.
			if now, err := xattr(to, name); err != nil || !bytes.Equal(now, value) {
				lost = append(lost, "extended attribute "+name)
			}
		} else if err != nil {
			return nil, fmt.Errorf("extended attribute %s: %w", name, err)
		}
	}
	return lost, nil
}

// listXattrs returns the names of a file's extended attributes; a file system
// without any has none.
func listXattrs(f *os.File) ([]string, error) {
	buf, err := grow(func(buf []byte) (int, error) { return unix.Flistxattr(int(f.Fd()), buf) })
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("extended attributes: %w", err)
	}
	return strings.FieldsFunc(string(buf), func(r rune) bool { return r == 0 }), nil
}

func xattr(f *os.File, name string) ([]byte, error) {
	return grow(func(buf []byte) (int, error) { return unix.Fgetxattr(int(f.Fd()), name, buf) })
}

// grow calls get with a buffer of the size that it asks for.
func grow(get func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := get(nil)
		if err != nil || n == 0 {
			return nil, err
		}
		buf := make([]byte, n)
		n, err = get(buf)
		if errors.Is(err, unix.ERANGE) {
			continue // it has grown meanwhile
		}
		if err != nil {
			return nil, err
		}
		return buf[:n], nil
	}
}
