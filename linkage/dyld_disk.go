package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/internal/rootfs"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/macho"
)

// A machoDisk is what has been seen of the file systems of one search for macOS
// libraries. Each path is looked at once, and each file is read once.
type machoDisk struct {
	lookups map[string]machoLookup // by path within a root
	read    map[string]machoLookup // by path on this machine
	pool    *steady.Pool
	err     error // the first that ends a search: see passesOver
	opened  []machoLookup

	spellings map[string]map[string]string // of each directory: names by lower case; nil if they cannot be read
	folders   map[string]machoFolder       // by path within a root
}

func newMachODisk() *machoDisk {
	return &machoDisk{lookups: map[string]machoLookup{}, read: map[string]machoLookup{}, pool: steady.NewPool(maxOpen), spellings: map[string]map[string]string{}, folders: map[string]machoFolder{}}
}

// A machoFolder is a directory without links, unless it is not there.
type machoFolder struct {
	real    string
	missing bool
}

// lacks reports that there is no file at a path, as far as its directory alone shows.
func (d *machoDisk) lacks(root Root, name string) bool {
	dir, base := path.Split(name)
	key := root.dir + "\x00" + dir
	f, ok := d.folders[key]
	if !ok {
		var err error
		f.real, err = d.macPath(root, dir)
		f.missing = rootfs.IsMissing(err)
		d.folders[key] = f
	}
	names := d.spellings[root.dir+"\x00"+f.real]
	_, there := names[strings.ToLower(base)]
	return f.missing || names != nil && !there
}

// A machoLookup is a Mach-O file, or why there is none.
type machoLookup struct {
	file *macho.File
	info fs.FileInfo
	host string // its path on this machine, without symbolic links
	real string // the same within the root
	why  string
}

// find returns the file at a path of a root.
func (d *machoDisk) find(root Root, name string) (machoLookup, string) {
	key := root.dir + "\x00" + name
	l, ok := d.lookups[key]
	if !ok && d.lacks(root, name) {
		return machoLookup{}, notThere
	}
	if !ok {
		l = d.look(root, name)
		d.lookups[key] = l
	}
	return l, l.why
}

func (d *machoDisk) look(root Root, name string) machoLookup {
	real, err := d.macPath(root, name)
	if err != nil {
		return d.lost(err)
	}
	host := root.host(real)
	l, ok := d.read[host]
	if !ok {
		l = d.open(root, real)
		d.read[host] = l
	}
	return l
}

// open reads the headers of the file at a path of a root without links. A file that
// was read under another path, as the volume spells it or by a hard link, is the
// same: dyld compares device and inode.
func (d *machoDisk) open(root Root, real string) machoLookup {
	f, err := openIn(d.pool, root, real)
	if err != nil {
		return d.lost(err)
	}
	for _, known := range d.opened {
		if os.SameFile(known.info, f.Info()) {
			return known
		}
	}
	file, err := macho.NewFile(f, f.Size())
	var rule *macho.FormatError
	switch {
	case err == nil:
		l := machoLookup{file: file, info: f.Info(), host: root.host(real), real: real}
		d.opened = append(d.opened, l)
		return l
	case errors.Is(err, macho.ErrNotMachO):
		return machoLookup{why: "not Mach-O"}
	case errors.Is(err, macho.ErrArchive) || errors.As(err, &rule):
		return machoLookup{why: err.Error()}
	}
	return d.lost(fmt.Errorf("%s: %w", root.host(real), err))
}

// lost words an error of the file system, and keeps one that ends the search.
func (d *machoDisk) lost(err error) machoLookup {
	if d.err == nil {
		d.err = unlessPassedOver(err)
	}
	return machoLookup{why: whyNot(err)}
}

// Close closes the files that are open.
func (d *machoDisk) Close() error { return d.pool.Close() }
