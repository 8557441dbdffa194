package audit

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/linkage"
)

// Options tunes an audit. The zero value looks at this machine's libraries.
type Options struct {
	linkage.Options          // where libraries are sought; Libc is filled in by Assess
	KeepRPath       []string // patterns of search path entries that stay, wherever they lead
	IgnoreISA       bool     // do not hold binaries to the baseline of x86-64
	MacOS           MacOptions
	Lower           bool // work out which older policies a lowering of symbols reaches, see [Report.Lower]
}

// Assess finds the libraries of the wheel and holds it to what it may be tagged as.
func Assess(ctx context.Context, c *Contents, opts Options) (*Report, error) {
	r := &Report{Wheel: c.Filename.String(), Contents: c, Graph: &linkage.Graph{}, options: opts}
	r.OS, r.Unserved = c.system()
	r.Format, r.Foreign = r.OS.format(r.Unserved), c.foreignTo(r.OS, r.Unserved)
	if r.Unserved != nil || r.Format == Pure {
		return r, nil
	}
	r.system = r.newSystem()
	if err := r.system.assess(ctx, r); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.choose()
	if opts.Lower {
		r.lowerings()
	}
	if err := r.Graph.ReadError(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

func byPath(a, b *linkage.File) int { return cmp.Compare(a.Path, b.Path) }

// choose picks the tags of the report. A repair never grafts more than the
// fewest libraries that any policy asks for: an older tag is not worth a second
// copy of a library that later systems all have (as auditwheel decides).
func (r *Report) choose() {
	fewest := math.MaxInt
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		fewest = min(fewest, v.external)
		if r.best == nil && v.Meets() {
			r.best = v
		}
	}
	r.repairable = r.strictest(fewest, func(*Verdict) bool { return true })
}

// StrictestWithin returns the verdict on the strictest policy that a repair can
// meet with no more libraries from outside than the given one, nil if there is
// none.
func (r *Report) StrictestWithin(limit *Verdict) *Verdict {
	return r.strictest(limit.external, func(v *Verdict) bool { return !limit.Policy.Older(v.Policy) })
}

// strictest returns the verdict on the strictest policy that a repair can meet, that is
// wanted, and that asks for no more libraries from outside than that, or than a stricter
// one does.
func (r *Report) strictest(external int, wanted func(*Verdict) bool) *Verdict {
	enough := false
	for i := range r.Verdicts {
		v := &r.Verdicts[i]
		enough = enough || v.external <= external
		if enough && v.Repairable() && wanted(v) {
			return v
		}
	}
	return nil
}

// membersOf hands files to the simulated loader.
func membersOf(files []*Binary) []linkage.Member {
	members := make([]linkage.Member, len(files))
	for i, b := range files {
		members[i] = linkage.Member{Name: b.Member.Name, Content: b.Content}
	}
	return members
}

// Libraries returns every library outside the wheel that its files and the
// grafts of a verdict need, sorted by soname or install name, with what a repair for
// that verdict does about it. Without a verdict, nothing is grafted.
func (r *Report) Libraries(v *Verdict) []Library {
	if r.system == nil {
		return nil
	}
	type key struct{ name, path string }
	found := map[key]*Library{}
	files := r.Graph.Members
	if v != nil {
		files = slices.Concat(files, v.Grafts)
	}
	for _, f := range files {
		for _, l := range r.system.loads(f) {
			n := l.need
			if n.To != nil && n.To.InWheel {
				continue
			}
			k := key{name: r.Graph.Plain(n.Name)}
			if n.To != nil {
				k.path = n.To.Path
			}
			library := found[k]
			if library == nil {
				library = &Library{Soname: n.Name, Path: k.path, Action: v.action(n), Tried: n.Tried}
				found[k] = library
			}
			if by := library.NeededBy; len(by) == 0 || by[len(by)-1] != f.Path {
				library.NeededBy = append(by, f.Path)
			}
		}
	}
	var out []Library
	for _, l := range found {
		out = append(out, *l)
	}
	order.Stable(out, func(a, b Library) int {
		return cmp.Or(strings.Compare(a.Soname, b.Soname), strings.Compare(a.Path, b.Path))
	})
	return out
}

// action tells what a repair for a verdict, if there is one, does about a library outside
// the wheel.
func (v *Verdict) action(n *linkage.Need) Action {
	switch {
	case n.Status == linkage.Excluded:
		return Excluded
	case n.Status == linkage.LibPython:
		return Remove
	case n.Status == linkage.System || v != nil && v.promised != nil && v.promised(n):
		return System
	case n.Status == linkage.Missing:
		return Missing
	}
	return Graft
}
