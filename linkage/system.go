package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/wheelmend/wheelmend/elf"
)

// A lookup is what lies at a path of the system: a library, or why there is none.
type lookup struct {
	library *Object
	why     string
}

// lookup returns what lies at a path of the system. Each path is looked at once.
func (r *resolver) lookup(root Root, name string) lookup {
	key := root.dir + "\x00" + name
	l, ok := r.lookups[key]
	if ok {
		return l
	}
	real, err := root.resolve(name)
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		l.why = "not there"
	case errors.As(err, &pathErr):
		l.why = pathErr.Err.Error()
	case err != nil:
		l.why = err.Error()
	default:
		l.library, l.why = r.system(root, real)
	}
	r.lookups[key] = l
	return l
}

// accept passes over a library of another class or machine, as ld.so does.
func (r *resolver) accept(o, from *Object) (*Object, string) {
	if !from.File.SameTarget(&o.File.Header) {
		return nil, fmt.Sprintf("%s, not %s", archName(o.File), archName(from.File))
	}
	return o, ""
}

func archName(f *elf.File) string {
	if arch, _ := f.Arch(); arch != "" {
		return arch
	}
	return f.Machine.String()
}

// system opens a library of the system, once.
func (r *resolver) system(root Root, real string) (*Object, string) {
	host := root.host(real)
	if o, ok := r.byPath[host]; ok {
		return o, ""
	}
	info, err := os.Stat(host)
	if err != nil {
		return nil, errors.Unwrap(err).Error()
	}
	if !info.Mode().IsRegular() {
		return nil, "not a regular file"
	}
	file, err := os.Open(host)
	if err != nil {
		return nil, errors.Unwrap(err).Error()
	}
	image, err := elf.NewFile(file, info.Size())
	if err == nil && !image.Dynamic() {
		err = errors.New("not a shared library")
	}
	if err != nil {
		file.Close()
		if errors.Is(err, elf.ErrNotELF) {
			return nil, "not ELF (a linker script?)"
		}
		return nil, err.Error()
	}
	o := &Object{Path: host, File: image, real: real, root: root}
	r.byPath[host] = o
	r.graph.System = append(r.graph.System, o)
	r.graph.files = append(r.graph.files, file)
	return o, ""
}
