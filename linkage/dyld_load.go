package linkage

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// LoadDyld finds the libraries that one Mach-O file loads as it lies on this
// machine, or below the sysroot: each slice as the first image of a process. Of a
// program, @executable_path is its own folder. The file is the one member of the
// graph, under the name that is given.
func LoadDyld(ctx context.Context, name string, opts DyldOptions) (*Graph, error) {
	d, err := newDyld(opts)
	if err != nil {
		return nil, err
	}
	b, why := d.member(name)
	if why != "" {
		return nil, errors.Join(errors.New(why), d.graph.Close())
	}
	b.Path = name
	return d.loadMembers(ctx, false)
}

// LoadDyldFiles finds the libraries that Mach-O files load as they lie on this
// machine, each as the first of a process. They are the members of the graph, under
// their paths without symbolic links, each once. Like files of a wheel, they stand
// in for libraries to which no name leads.
func LoadDyldFiles(ctx context.Context, names []string, opts DyldOptions) (*Graph, error) {
	d, err := newDyld(opts)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, why := d.member(name); why != "" {
			return nil, errors.Join(fmt.Errorf("%s: %s", name, why), d.graph.Close())
		}
	}
	return d.loadMembers(ctx, true)
}

// member opens a file that was named.
func (d *dyld) member(name string) (*File, string) {
	root, at := (&dyldSearch{dyld: d}).place(name)
	b, why := d.file(root, at)
	if why == "" && !b.member() {
		b.named = true
		d.graph.Members = append(d.graph.Members, b)
	}
	return b, why
}

// loadMembers loads the files that were named; together they may be like a wheel.
func (d *dyld) loadMembers(ctx context.Context, wheel bool) (*Graph, error) {
	for _, b := range d.graph.Members {
		for _, image := range b.Images {
			if err := ctx.Err(); err != nil {
				return nil, errors.Join(err, d.graph.Close())
			}
			d.load(image)
		}
	}
	d.settle(wheel)
	d.graph.System = slices.DeleteFunc(d.graph.System, func(b *File) bool { return b.member() })
	return d.finish()
}
