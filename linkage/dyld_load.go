package linkage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/macho"
)

// LoadDyld finds the libraries that one Mach-O file loads as it lies on this
// machine, or below the sysroot: each slice as the first image of a process. Of a
// program, @executable_path is its own folder. The file is the one member of the
// graph, under the name that is given.
func LoadDyld(ctx context.Context, name string, opts DyldOptions) (*DyldGraph, error) {
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
func LoadDyldFiles(ctx context.Context, names []string, opts DyldOptions) (*DyldGraph, error) {
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
func (d *dyld) member(name string) (*Binary, string) {
	root, at := (&dyldSearch{dyld: d}).place(name)
	b, why := d.file(root, at)
	if why == "" && !b.member {
		b.member = true
		d.graph.Members = append(d.graph.Members, b)
	}
	return b, why
}

// loadMembers loads the files that were named; together they may be like a wheel.
func (d *dyld) loadMembers(ctx context.Context, wheel bool) (*DyldGraph, error) {
	for _, b := range d.graph.Members {
		for _, image := range b.Images {
			if err := ctx.Err(); err != nil {
				return nil, errors.Join(err, d.graph.Close())
			}
			d.load(image)
		}
	}
	d.settle(wheel)
	d.graph.System = slices.DeleteFunc(d.graph.System, func(b *Binary) bool { return b.member })
	return d.finish()
}

// Process returns what a process that has loaded images of one architecture is
// made of: the images that no other loads come first, each followed by what it
// loads, breadth first. Roots are those that nothing has loaded before.
func (g *DyldGraph) Process(arch macho.Arch) (roots, images []*Image) {
	loaded := map[*Image]bool{}
	for _, b := range g.Members {
		if image := b.Image(arch); image != nil {
			for _, e := range image.Loads {
				loaded[e.To] = loaded[e.To] || e.Status == DylibFound && e.To != image
			}
		}
	}
	seen := map[*Image]bool{}
	for _, second := range []bool{false, true} { // the rest load each other
		for _, b := range g.Members {
			image := b.Image(arch)
			if image == nil || seen[image] || loaded[image] != second {
				continue
			}
			roots = append(roots, image)
			images = append(images, reachable(image, seen)...)
		}
	}
	return roots, images
}

// reachable returns an image and what it loads, without what is seen already.
func reachable(image *Image, seen map[*Image]bool) []*Image {
	seen[image] = true
	queue := []*Image{image}
	for i := 0; i < len(queue); i++ {
		for _, e := range queue[i].Loads {
			if e.Status == DylibFound && !seen[e.To] {
				seen[e.To] = true
				queue = append(queue, e.To)
			}
		}
	}
	return queue
}

// Archs returns the architectures of the members, sorted by name.
func (g *DyldGraph) Archs() []macho.Arch {
	var archs []macho.Arch
	for _, b := range g.Members {
		for _, image := range b.Images {
			if !slices.Contains(archs, image.Slice.Arch) {
				archs = append(archs, image.Slice.Arch)
			}
		}
	}
	slices.SortFunc(archs, func(a, b macho.Arch) int { return strings.Compare(a.String(), b.String()) })
	return archs
}
