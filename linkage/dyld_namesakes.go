package linkage

import (
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/macho"
)

// namesakes are the members that a library may mean, in the order of the wheel. They
// are chosen once for all images that ask the same, as there may be as many of these.
type namesakes struct {
	images []*Image
	byDir  map[string][]*Image
	at     map[*Image]int
	differ []*Image   // from the first of images: up to two
	judged bool       // differ is known
	rest   *namesakes // those behind the first, for when that asks
}

// calledAs is what an image asks for, as far as the answer depends on it.
type calledAs struct {
	kind    RuleKind
	name    string
	arch    string
	side    int    // of site-packages, see reaches
	outside *Image // the library that a member is to take the place of
}

// side tells where an image lies, for reaches.
func (i *Image) side() int {
	switch {
	case !i.InWheel:
		return 0
	case InPackages(i.Path):
		return 1
	}
	return 2
}

// namesakes returns those of some members that an image can load and that are wanted,
// itself among them.
func (d *dyld) namesakes(as calledAs, image *Image, members []*File, want func(*Image) bool) *namesakes {
	as.arch, as.side = image.Arch, image.side()
	if n, ok := d.called[as]; ok {
		return n
	}
	n := &namesakes{byDir: map[string][]*Image{}, at: map[*Image]int{}}
	for _, b := range members {
		if !d.spend(image, costLook) {
			return &namesakes{}
		}
		if to := b.Image(image.Arch); to != nil && to.Slice().Type == macho.DyLib && want(to) {
			n.at[to] = len(n.images)
			n.images = append(n.images, to)
			n.byDir[to.dir()] = append(n.byDir[to.dir()], to)
		}
	}
	if d.called == nil {
		d.called = map[calledAs]*namesakes{}
	}
	d.called[as] = n
	return n
}

// without returns how many there are beside an image.
func (n *namesakes) without(image *Image) int {
	if _, ok := n.at[image]; ok {
		return len(n.images) - 1
	}
	return len(n.images)
}

// names lists some of their files, without that of an image.
func (n *namesakes) names(image *Image) string {
	const shown = 10
	var paths []string
	for _, i := range n.images[:min(len(n.images), shown+1)] {
		if i != image {
			paths = append(paths, i.Path)
		}
	}
	return phrase.Listed(paths, shown, n.without(image))
}

// closest returns the one library that is meant: that in the folder of the image,
// else the only one, or the first of several that are the same.
func (d *dyld) closest(image *Image, n *namesakes) *Image {
	for _, to := range n.byDir[image.dir()] {
		if to != image {
			return to
		}
	}
	if len(n.images) > 0 && n.images[0] == image {
		if n.rest == nil {
			n.rest = &namesakes{images: n.images[1:]}
		}
		n = n.rest
	}
	if len(n.images) == 0 {
		return nil
	}
	d.judge(image, n)
	for _, other := range n.differ {
		if other != image {
			return nil
		}
	}
	return n.images[0]
}

// judge compares the first with the others, until two of them differ: one may be the
// image that asks.
func (d *dyld) judge(image *Image, n *namesakes) {
	const enough = 2
	for _, other := range n.images[1:] {
		if n.judged || len(n.differ) == enough {
			break
		}
		if !d.sameLibrary(image, n.images[0], other) {
			n.differ = append(n.differ, other)
		}
	}
	n.judged = true
}
