package linkage

import (
	"errors"
	"os"

	"github.com/wheelmend/wheelmend/macho"
)

// A machoDisk is what has been seen of the file systems of one search for macOS
// libraries. Each path is looked at once, and each file is read once.
type machoDisk struct {
	lookups map[string]machoLookup // by path within a root
	read    map[string]machoLookup // by path on this machine
	files   []*os.File
}

func newMachODisk() *machoDisk {
	return &machoDisk{lookups: map[string]machoLookup{}, read: map[string]machoLookup{}}
}

// A machoLookup is a Mach-O file, or why there is none.
type machoLookup struct {
	file *macho.File
	host string // its path on this machine, without symbolic links
	real string // the same within the root
	why  string
}

// find returns the file at a path of a root.
func (d *machoDisk) find(root Root, name string) (machoLookup, string) {
	key := root.dir + "\x00" + name
	l, ok := d.lookups[key]
	if !ok {
		l = d.look(root, name)
		d.lookups[key] = l
	}
	return l, l.why
}

func (d *machoDisk) look(root Root, name string) machoLookup {
	real, err := root.resolve(name)
	if err != nil {
		return machoLookup{why: whyNot(err)}
	}
	host := root.host(real)
	l, ok := d.read[host]
	if !ok {
		l = d.open(host)
		l.host, l.real = host, real
		d.read[host] = l
	}
	return l
}

// open reads the headers of the file at a path of this machine.
func (d *machoDisk) open(host string) machoLookup {
	f, err := os.Open(host)
	if err != nil {
		return machoLookup{why: whyNot(err)}
	}
	d.files = append(d.files, f)
	info, err := f.Stat()
	switch {
	case err != nil:
		return machoLookup{why: whyNot(err)}
	case !info.Mode().IsRegular():
		return machoLookup{why: "not a regular file"}
	}
	file, err := macho.NewFile(f, info.Size())
	switch {
	case errors.Is(err, macho.ErrNotMachO):
		return machoLookup{why: "not Mach-O"}
	case err != nil:
		return machoLookup{why: err.Error()}
	}
	return machoLookup{file: file}
}

func (d *machoDisk) close() error {
	var errs []error
	for _, f := range d.files {
		errs = append(errs, f.Close())
	}
	d.files = nil
	return errors.Join(errs...)
}
