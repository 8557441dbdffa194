package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/overlay"
)

// keptCopies are the files that the folder for copies has before a run, by absolute
// path. A run that was killed leaves some, or all of the copies and some files that load
// them: the next one takes those that it would write just so, as if it had.
type keptCopies struct {
	spare  map[string]bool // no file loads them: not looked at unless they are something else
	idle   map[string]bool // what was spare at first
	others map[string]bool // they have the name of a copy, and are something else
	there  map[string]bool // grafts, by member, that need not be written
}

// settleNames decides what is to be written, again until each file that has the name of
// a copy is known to be that copy, or something else.
func (t *directory) settleNames(ctx context.Context, files []string) (*linkage.Graph, error) {
	swept := t.result.Warnings
	t.kept.others = map[string]bool{}
	var err error
	if t.kept.spare, err = t.unloaded(ctx, files); err != nil {
		return nil, err
	}
	t.kept.idle = maps.Clone(t.kept.spare)
	for {
		t.result.Warnings = slices.Clone(swept)
		looked := slices.DeleteFunc(slices.Clone(files), func(at string) bool { return t.kept.spare[at] })
		graph, err := linkage.LoadDyldFiles(ctx, looked, t.opts.Link)
		if err != nil {
			return nil, err
		}
		again := false
		if err = t.decide(ctx, graph); err == nil {
			again, err = t.compareKept()
		}
		if err != nil {
			return nil, errors.Join(err, graph.Close())
		}
		if !again {
			t.tellCopies()
			return graph, nil
		}
		if err := graph.Close(); err != nil {
			return nil, err
		}
	}
}

// unloaded returns the files in the folder for copies to which no path leads from the
// files outside of it.
func (t *directory) unloaded(ctx context.Context, files []string) (map[string]bool, error) {
	idle := map[string]bool{}
	for _, at := range files {
		if filepath.Dir(at) == t.libDir {
			idle[at] = true
		}
	}
	if len(idle) == 0 {
		return idle, nil
	}
	graph, err := linkage.LoadDyldFiles(ctx, files, t.opts.Link)
	if err != nil {
		return nil, err
	}
	roots := slices.DeleteFunc(slices.Clone(graph.Members), func(f *linkage.File) bool { return idle[f.Path] })
	led := func(n *linkage.Need) bool { return n.IsFound() && n.Rule.Leads() }
	for _, f := range graph.Reach(linkage.Images(roots), led) {
		delete(idle, f.Path)
	}
	return idle, errors.Join(graph.ReadError(), graph.Close())
}

// compareKept compares the files that have the names of copies with what would be
// written. It reports whether one of them is something else, so that names change.
func (t *directory) compareKept() (again bool, err error) {
	t.kept.there = map[string]bool{}
	same := map[string]bool{}
	for i, g := range t.plan.Grafts {
		at := filepath.FromSlash(g.Member)
		if _, err := os.Lstat(at); err != nil {
			continue // writing tells why, unless it is not there
		}
		equal, err := sameAsFile(t.parts.grafts[i], at)
		switch {
		case err != nil:
			return false, named(at, err)
		case equal:
			t.kept.there[g.Member], same[at] = true, true
		case t.kept.others[at]:
			return false, fmt.Errorf("%s: another file has the name of the copy of %s", at, g.Source)
		default:
			t.kept.others[at], again = true, true
		}
	}
	for at := range t.kept.spare {
		if !same[at] {
			delete(t.kept.spare, at)
			again = true
		}
	}
	return again, nil
}

// tellCopies tells what is copied, and what was there before.
func (t *directory) tellCopies() {
	for _, g := range t.plan.Grafts {
		at := filepath.FromSlash(g.Member)
		if t.kept.there[g.Member] {
			t.result.Warnings = append(t.result.Warnings, at+": it is there already, just as it would be written, and is used")
			continue
		}
		t.result.Copied = append(t.result.Copied, DirectoryCopy{g.Source, at})
	}
	order.Stable(t.result.Copied, func(a, b DirectoryCopy) int { return strings.Compare(a.Source, b.Source) })
	for _, at := range slices.Sorted(maps.Keys(t.kept.others)) {
		if t.kept.idle[at] {
			t.result.Warnings = append(t.result.Warnings, at+": nothing loads it, and it stays; a run that was killed may have left it")
		}
	}
}

// sameAsFile reports whether a regular file has the bytes of an overlay.
func sameAsFile(o *overlay.Overlay, at string) (bool, error) {
	info, err := os.Lstat(at)
	if err != nil || !info.Mode().IsRegular() || info.Size() != o.Size() {
		return false, err
	}
	f, err := steady.OpenRegular(at)
	if err != nil {
		return false, err
	}
	defer f.Close()
	const chunk = 1 << 20
	want, got := make([]byte, chunk), make([]byte, chunk)
	for off := int64(0); off < o.Size(); off += chunk {
		n := min(chunk, o.Size()-off)
		if _, err := o.ReadAt(want[:n], off); err != nil && err != io.EOF {
			return false, err
		}
		if _, err := f.ReadAt(got[:n], off); err != nil && err != io.EOF {
			return false, err
		}
		if !bytes.Equal(want[:n], got[:n]) {
			return false, nil
		}
	}
	return true, nil
}
