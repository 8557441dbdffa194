package repair

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// planCopies finds libraries that lie several times in one folder, under the names
// that are links on a build machine: a wheel has none. They are told, or folded into
// one if that was asked: what needs another needs that one, and the others go.
func (p *Plan) planCopies(ctx context.Context) error {
	p.folded = map[*linkage.File]*linkage.File{}
	copies, err := p.copies(ctx)
	if err != nil {
		return err
	}
	for _, group := range copies {
		kept := group[0]
		var names, gone []string
		for _, o := range group {
			names = append(names, o.Path)
			if path.Base(o.Path) == o.Images[0].Name {
				kept = o
			}
		}
		if !p.options.FoldCopies {
			p.warn("%s are one library, %d bytes each; folding would leave one", strings.Join(names, ", "), kept.Content.Size())
			continue
		}
		for _, o := range group {
			if o != kept {
				p.folded[o] = kept
				gone = append(gone, o.Path)
			}
		}
		p.Removed = append(p.Removed, gone...)
		p.warn("%s removed: the same as %s, %d bytes each; code that opens it by that name no longer finds it", strings.Join(gone, ", "), kept.Path, kept.Content.Size())
	}
	if p.options.FoldCopies && len(copies) == 0 {
		p.warn("no library lies in one folder under several names: nothing is folded")
	}
	return nil
}

// copies returns the groups of libraries of one folder with the same soname and bytes,
// in the order of their names.
func (p *Plan) copies(ctx context.Context) ([][]*linkage.File, error) {
	alike := map[string][]*linkage.File{}
	var keys []string
	for _, o := range p.graph.Members {
		if o.Images[0].Name == "" {
			continue
		}
		key := fmt.Sprintf("%s\x00%s\x00%d", path.Dir(o.Path), o.Images[0].Name, o.Content.Size())
		if alike[key] = append(alike[key], o); len(alike[key]) == 1 {
			keys = append(keys, key)
		}
	}
	var groups [][]*linkage.File
	for _, key := range keys {
		if len(alike[key]) < 2 {
			continue
		}
		sums, err := digests(ctx, alike[key], p.options.Load.Jobs)
		if err != nil {
			return nil, err
		}
		groups = append(groups, equalOnes(alike[key], sums)...)
	}
	return groups, nil
}

// equalOnes groups files by their digest, without those that are alone.
func equalOnes(files []*linkage.File, sums []string) [][]*linkage.File {
	var groups [][]*linkage.File
	for i, sum := range sums {
		if slices.Index(sums, sum) != i {
			continue
		}
		var group []*linkage.File
		for n, other := range sums {
			if other == sum {
				group = append(group, files[n])
			}
		}
		if len(group) > 1 {
			groups = append(groups, group)
		}
	}
	return groups
}
