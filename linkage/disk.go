package linkage

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/wheelmend/wheelmend/elf"
)

// A disk is what has been seen of the file systems of one or several searches.
// Each path is looked at once, and each file is read once.
type disk struct {
	lookups map[string]lookup // by path within a root
	images  map[string]image  // by path on this machine
	keep    bool              // whether files stay open; else each read opens its file
	closed  bool              // nothing is looked at
	files   []*os.File
}

func newDisk(keep bool) *disk {
	return &disk{lookups: map[string]lookup{}, images: map[string]image{}, keep: keep}
}

// A lookup is what lies at a path: a library, or why there is none.
type lookup struct {
	image
	why string
}

// notELF tells that a file has no ELF header.
const notELF = "not ELF (a linker script?)"

// An image is an ELF file of a file system.
type image struct {
	file *elf.File
	host string // its path on this machine, without symbolic links
	real string // the same within root
	root Root
	info fs.FileInfo
}

// lookup returns the library that lies at a path.
func (d *disk) lookup(root Root, name string) lookup {
	key := root.dir + "\x00" + name
	l, ok := d.lookups[key]
	if ok {
		return l
	}
	l.image, l.why = d.find(root, name)
	if l.file != nil && !l.file.Dynamic() {
		l.image, l.why = image{}, "not a shared library"
	}
	d.lookups[key] = l
	return l
}

// find returns the ELF file that lies at a path, or why there is none.
func (d *disk) find(root Root, name string) (image, string) {
	if d.closed {
		return image{}, "outside the wheel"
	}
	real, err := root.resolve(name)
	if err != nil {
		return image{}, whyNot(err)
	}
	host := root.host(real)
	if known, ok := d.images[host]; ok {
		return known, ""
	}
	found, why := d.read(host)
	if why != "" {
		return image{}, why
	}
	found.real, found.root = real, root
	d.images[host] = found
	return found, ""
}

// read reads the headers of the file at a path of this machine.
func (d *disk) read(host string) (image, string) {
	info, err := os.Stat(host)
	if err != nil {
		return image{}, whyNot(err)
	}
	if !info.Mode().IsRegular() {
		return image{}, "not a regular file"
	}
	var content io.ReaderAt = reopened(host)
	if d.keep {
		f, err := os.Open(host)
		if err != nil {
			return image{}, whyNot(err)
		}
		d.files = append(d.files, f)
		content = f
	}
	file, err := elf.NewFile(content, info.Size())
	if err == nil {
		return image{file: file, host: host, info: info}, ""
	}
	if errors.Is(err, elf.ErrNotELF) {
		return image{}, notELF
	}
	return image{}, whyNot(err)
}

// whyNot words an error of the file system.
func whyNot(err error) string {
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return "not there"
	case errors.As(err, &pathErr):
		return pathErr.Err.Error()
	}
	return err.Error()
}

// close closes the files that are open.
func (d *disk) close() error {
	var errs []error
	for _, f := range d.files {
		errs = append(errs, f.Close())
	}
	d.files = nil
	return errors.Join(errs...)
}

// A reopened file is opened anew for each read, so that any number of files can
// be known without an open descriptor for each.
type reopened string

// ReadAt implements [io.ReaderAt].
func (r reopened) ReadAt(p []byte, off int64) (int, error) {
	f, err := os.Open(string(r))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.ReadAt(p, off)
}
