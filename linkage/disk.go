package linkage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/internal/rootfs"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// maxOpen is how many libraries stay open at a time. Others are opened again when
// they are read: a wheel may need more than there are descriptors.
const maxOpen = 16

// A parser reads the headers of a file. Of a file that a loader passes over it returns
// why, of one that cannot be read an error.
type parser func(in io.ReaderAt, size int64) (c Content, why string, err error)

// A disk is what has been seen of the file systems of one or several searches.
// Each path is looked at once, and each file is read once.
type disk struct {
	parse   parser
	fold    bool               // volumes do not tell upper from lower case, as on most Macs
	lookups map[string]lookup  // by path within a root
	folders map[string]*folder // likewise
	read    map[string]lookup  // by path on this machine
	closed  bool               // nothing is looked at
	pool    *steady.Pool
	err     error // the first that ends a search: see passesOver
}

// newDisk returns a disk that keeps a number of files open. One that keeps none need not
// be closed.
func newDisk(parse parser, keep int) *disk {
	return &disk{parse: parse, lookups: map[string]lookup{}, folders: map[string]*folder{}, read: map[string]lookup{}, pool: steady.NewPool(keep)}
}

// A lookup is a file of a file system, or why there is none.
type lookup struct {
	content Content
	host    string // its path on this machine, without symbolic links
	real    string // the same within root
	root    Root
	info    fs.FileInfo
	why     string
}

// outsideWheel tells why nothing is looked at.
const outsideWheel = "outside the wheel"

// lookup returns the file that lies at a path.
func (d *disk) lookup(root Root, name string) lookup {
	if d.closed {
		return lookup{why: outsideWheel}
	}
	key := root.dir + "\x00" + name
	l, ok := d.lookups[key]
	if ok {
		return l
	}
	if why := d.folderWhyNot(root, name); why != "" {
		return lookup{why: why}
	}
	l = d.look(root, name)
	d.lookups[key] = l
	return l
}

// look looks at a path, whatever is known of its folder.
func (d *disk) look(root Root, name string) lookup {
	real, err := d.resolve(root, name)
	if err != nil {
		return d.lost(err)
	}
	host := root.host(real)
	if known, ok := d.read[host]; ok {
		return known
	}
	content, err := d.pool.Open(func() (*os.File, error) {
		f, _, err := root.fs().Open(real)
		return f, err
	})
	if err != nil {
		return d.lost(err)
	}
	l := lookup{host: host, real: real, root: root, info: content.Info()}
	if l.content, l.why, err = d.parse(content, content.Size()); err != nil {
		return d.lost(fmt.Errorf("%s: %w", host, err))
	}
	d.read[host] = l
	return l
}

// lost words an error of the file system, and keeps one that ends the search.
func (d *disk) lost(err error) lookup { return lookup{why: d.whyNot(err)} }

func (d *disk) whyNot(err error) string {
	if d.err == nil {
		d.err = unlessPassedOver(err)
	}
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

// A folder is what is known of a directory, so that most files that are not in it
// need no look of their own.
type folder struct {
	real   string
	why    string            // it is none, "" if it is one
	asked  int               // names
	listed bool              // or may not be read
	names  map[string]string // by themselves, or by lower case, where "" stands for two; nil if not known
}

// manyNames is for how many names a directory is asked before it is listed.
const manyNames = 32

// folder returns what is known of a directory of a root.
func (d *disk) folder(root Root, dir string) *folder {
	key := root.dir + "\x00" + dir
	f := d.folders[key]
	if f == nil {
		f = &folder{}
		d.folders[key] = f
		var err error
		if f.real, err = d.resolve(root, dir); err != nil {
			f.why = d.whyNot(err)
		}
	}
	return f
}

// folderWhyNot tells why there is no file at a path, as far as the directory alone
// shows it: "" means that the file has to be looked at.
func (d *disk) folderWhyNot(root Root, name string) string {
	dir, base := path.Split(name)
	f := d.folder(root, dir)
	if f.asked++; f.why != "" {
		return f.why
	}
	if f.asked >= manyNames {
		d.list(root, f)
	}
	if _, there := f.names[d.key(base)]; f.names != nil && base != "" && !there {
		return notThere
	}
	return ""
}

// whyNoFolder tells why there is no file at all in a directory, "" if there may be one.
func (d *disk) whyNoFolder(root Root, name string) string {
	if d.closed {
		return outsideWheel
	}
	return d.folder(root, name+"/").why
}

// key returns what tells a name from others of its directory.
func (d *disk) key(name string) string {
	if d.fold {
		return strings.ToLower(name)
	}
	return name
}

// list reads the names in a directory. One that may not be read is asked for each.
func (d *disk) list(root Root, f *folder) {
	if f.listed {
		return
	}
	f.listed = true
	entries, err := root.fs().ReadDir(f.real)
	if err != nil {
		if d.err == nil {
			d.err = unlessPassedOver(err)
		}
		return
	}
	f.names = make(map[string]string, len(entries))
	for _, e := range entries {
		key := d.key(e.Name())
		if _, twice := f.names[key]; twice {
			f.names[key] = "" // the volume tells them apart
		} else {
			f.names[key] = e.Name()
		}
	}
}

// resolve returns the path within a root of the file that a name stands for. Where
// volumes do not tell upper from lower case, what is spelled as it is on disk comes
// first.
func (d *disk) resolve(root Root, name string) (string, error) {
	real, err := root.resolve(name)
	if !d.fold || err == nil || !rootfs.IsMissing(err) {
		return real, err
	}
	done := "/"
	for part := range strings.SplitSeq(strings.Trim(path.Clean("/"+name), "/"), "/") {
		at, missing := root.resolve(path.Join(done, part))
		if missing != nil {
			f := d.folder(root, done)
			d.list(root, f)
			if part = f.names[d.key(part)]; part == "" {
				return real, err
			}
			if at, missing = root.resolve(path.Join(done, part)); missing != nil {
				return real, missing
			}
		}
		done = at
	}
	return done, nil
}
