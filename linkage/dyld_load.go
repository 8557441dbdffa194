package linkage

import (
	"context"
	"errors"
	"fmt"
)

// LoadDyld finds the libraries that one Mach-O file loads as it lies on this
// machine, or below the sysroot: each slice as the first image of a process. Of a
// program, @executable_path is its own folder. The file is the one member of the
// graph, under the name that is given.
func LoadDyld(ctx context.Context, name string, opts Options) (*Graph, error) {
	return loadDyld(ctx, []string{name}, opts, true)
}

// LoadDyldFiles finds the libraries that Mach-O files load as they lie on this
// machine, each as the first of a process. They are the members of the graph, under
// their paths without symbolic links, each once. Like files of a wheel, they stand
// in for libraries to which no name leads.
func LoadDyldFiles(ctx context.Context, names []string, opts Options) (*Graph, error) {
	return loadDyld(ctx, names, opts, false)
}

func loadDyld(ctx context.Context, names []string, opts Options, asTheyLie bool) (*Graph, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	d := newDyld(root, opts)
	d.asTheyLie = asTheyLie
	for _, name := range names {
		if why := d.addFile(name); why != "" {
			err := errors.New(why)
			if !asTheyLie {
				err = fmt.Errorf("%s: %s", name, why)
			}
			return nil, errors.Join(err, d.graph.Close())
		}
	}
	return d.resolve(ctx)
}

// addFile opens a file that was named, and makes it a member.
func (d *dyld) addFile(name string) (why string) {
	root, at := d.place(name)
	l := d.disk.look(root, at)
	if l.why != "" {
		return l.why
	}
	f := d.file(l)
	if d.asTheyLie {
		f.Path = name
	}
	if !f.member() {
		f.named, f.known = true, true
		d.graph.Members = append(d.graph.Members, f)
	}
	return ""
}
