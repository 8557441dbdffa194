package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/rootfs"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// maxOpen is how many libraries stay open at a time. Others are opened again when
// they are read: a wheel may need more than there are descriptors.
const maxOpen = 16

// A disk is what has been seen of the file systems of one or several searches.
// Each path is looked at once, and each file is read once.
type disk struct {
	lookups map[string]lookup  // by path within a root
	folders map[string]*folder // likewise
	images  map[string]image   // by path on this machine
	closed  bool               // nothing is looked at
	pool    *steady.Pool
	err     error // the first that ends a search: see passesOver
}

// newDisk returns a disk. One that is never closed keeps no file open.
func newDisk(keep bool) *disk {
	open := 0
	if keep {
		open = maxOpen
	}
	return &disk{lookups: map[string]lookup{}, folders: map[string]*folder{}, images: map[string]image{}, pool: steady.NewPool(open)}
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
	if d.closed {
		return lookup{why: outsideWheel}
	}
	if why := d.folderWhyNot(root, name); why != "" {
		return lookup{why: why}
	}
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

// outsideWheel tells why nothing is looked at.
const outsideWheel = "outside the wheel"

// A folder is what is known of a directory, so that most files that are not in it
// need no look of their own.
type folder struct {
	why   string          // it is none, "" if it is one
	asked int             // names
	names map[string]bool // nil until many are asked for
}

// manyNames is for how many names a directory is asked before it is listed.
const manyNames = 32

// folderWhyNot tells why there is no file at a path, as far as the directory alone
// shows it: "" means that the file has to be looked at.
func (d *disk) folderWhyNot(root Root, name string) string {
	dir, base := path.Split(name)
	key := root.dir + "\x00" + dir
	f := d.folders[key]
	if f == nil {
		f = &folder{}
		if _, err := root.resolve(dir); err != nil {
			f.why = d.whyNot(err)
		}
		d.folders[key] = f
	}
	if f.asked++; f.why != "" || f.asked < manyNames {
		return f.why
	}
	if f.asked == manyNames {
		f.list(root, dir)
	}
	if f.names != nil && base != "" && !f.names[base] {
		return notThere
	}
	return ""
}

// list reads the names in a directory. One that may not be read is asked for each.
func (f *folder) list(root Root, dir string) {
	entries, err := root.fs().ReadDir(dir)
	if err != nil {
		return
	}
	f.names = make(map[string]bool, len(entries))
	for _, e := range entries {
		f.names[e.Name()] = true
	}
}

// find returns the ELF file that lies at a path, or why there is none.
func (d *disk) find(root Root, name string) (image, string) {
	if d.closed {
		return image{}, outsideWheel
	}
	real, err := root.resolve(name)
	if err != nil {
		return image{}, d.whyNot(err)
	}
	host := root.host(real)
	if known, ok := d.images[host]; ok {
		return known, ""
	}
	found, why := d.read(root, real)
	if why != "" {
		return image{}, why
	}
	d.images[host] = found
	return found, ""
}

// read reads the headers of the file at a path of a root without links.
func (d *disk) read(root Root, real string) (image, string) {
	content, err := openIn(d.pool, root, real)
	if err != nil {
		return image{}, d.whyNot(err)
	}
	file, err := elf.NewFile(content, content.Size())
	if err == nil {
		return image{file: file, host: root.host(real), real: real, root: root, info: content.Info()}, ""
	}
	if errors.Is(err, elf.ErrNotELF) {
		return image{}, notELF
	}
	if rule := (*elf.FormatError)(nil); errors.As(err, &rule) {
		return image{}, err.Error()
	}
	return image{}, d.whyNot(fmt.Errorf("%s: %w", root.host(real), err))
}

// openIn opens the file at a path of a root without links.
func openIn(pool *steady.Pool, root Root, real string) (*steady.File, error) {
	return pool.Open(func() (*os.File, error) {
		f, _, err := root.fs().Open(real)
		return f, err
	})
}

// whyNot words an error of the file system, and keeps one that ends the search.
func (d *disk) whyNot(err error) string {
	if d.err == nil {
		d.err = unlessPassedOver(err)
	}
	return whyNot(err)
}

// whyNot words an error of the file system.
func whyNot(err error) string {
	var pathErr *fs.PathError
	switch {
	case rootfs.IsMissing(err):
		return notThere
	case errors.As(err, &pathErr):
		return pathErr.Err.Error()
	}
	return err.Error()
}

// forget drops what an error has made of the looks so far.
func (d *disk) forget() {
	d.lookups, d.folders, d.err = map[string]lookup{}, map[string]*folder{}, nil
}

// Close closes the files that are open.
func (d *disk) Close() error { return d.pool.Close() }
