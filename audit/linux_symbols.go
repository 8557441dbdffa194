package audit

import (
	"context"
	stdelf "debug/elf"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/jobs"
	"github.com/wheelmend/wheelmend/linkage"
)

// A want is something that a file must be given at load time: a symbol, or, if
// name is "", a version that a loaded library must define.
type want struct {
	name    string
	version string // "" for a symbol without one
	library string // of the version need
}

// A definition is a symbol that a file offers under a name.
type definition struct {
	object  *linkage.Image
	version string
	index   uint16 // in .gnu.version
	hidden  bool
}

// A symbolTable holds what the files of a wheel want of each other, and who
// defines it. Of all definitions it keeps only those that someone wants.
type symbolTable struct {
	musl        bool
	wants       map[*linkage.Image][]want
	definitions map[string][]definition
	versions    map[*linkage.Image]map[string]bool // versions defined; nil for a file that defines none
}

// newSymbolTable takes what the members want from their facts, and reads the definitions
// of the members and of the system's libraries in the graph.
func (l *linux) newSymbolTable(ctx context.Context, g *linkage.Graph, musl bool, n int) (*symbolTable, error) {
	t := &symbolTable{musl: musl, wants: map[*linkage.Image][]want{}, definitions: map[string][]definition{}, versions: map[*linkage.Image]map[string]bool{}}
	members := linkage.Images(g.Members)
	wants := make([][]want, len(members))
	err := eachObject(ctx, members, n, func(i int, o *linkage.Image) (err error) {
		wants[i], err = wantsOf(l.facts[o], musl)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i, o := range members {
		t.wants[o] = wants[i]
		for _, w := range wants[i] {
			if w.name != "" {
				t.definitions[w.name] = nil
			}
		}
	}
	return t, t.define(ctx, g, n)
}

// define looks up who defines what is wanted.
func (t *symbolTable) define(ctx context.Context, g *linkage.Graph, n int) error {
	objects := linkage.Images(g.Members, g.System)
	found := make([]map[string][]definition, len(objects))
	versions := make([]map[string]bool, len(objects))
	err := eachObject(ctx, objects, n, func(i int, o *linkage.Image) (err error) {
		if found[i], err = t.definitionsOf(o); err != nil {
			return err
		}
		versions[i], err = versionsOf(o.ELF())
		return err
	})
	for i, o := range objects {
		for name, list := range found[i] {
			t.definitions[name] = append(t.definitions[name], list...)
		}
		t.versions[o] = versions[i]
	}
	return err
}

// eachObject calls do for each file, n at a time.
func eachObject(ctx context.Context, objects []*linkage.Image, n int, do func(int, *linkage.Image) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs.Count(n))
	for i, o := range objects {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(i, o); err != nil {
				return fmt.Errorf("%s: %w", o.Path, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// wantsOf lists what a file needs to be given, sorted, each once. A weak symbol may stay without a
// definition, as may one that no relocation refers to, and a weak version need
// without its version. musl does not look at version needs (ldso/dynlink.c).
func wantsOf(f *facts, musl bool) ([]want, error) {
	var wants []want
	if !musl {
		for _, n := range f.needs {
			for _, v := range n.Versions {
				if !v.Weak {
					wants = append(wants, want{"", v.Name, n.Library})
				}
			}
		}
	}
	referenced, err := f.object.ELF().Referenced()
	if err != nil {
		return nil, err
	}
	wants = slices.Grow(wants, len(f.strong))
	for _, s := range f.strong {
		switch {
		case !referenced[s.index]:
		case musl:
			wants = append(wants, want{name: s.name})
		default:
			wants = append(wants, s.want)
		}
	}
	slices.SortFunc(wants, compareWants)
	return slices.Compact(wants), nil
}

// definitionsOf lists the definitions of a file that somebody wants and that
// the loader would accept.
func (t *symbolTable) definitionsOf(o *linkage.Image) (map[string][]definition, error) {
	found := map[string][]definition{}
	for s, err := range o.ELF().Symbols() {
		if err != nil {
			return nil, err
		}
		if _, wanted := t.definitions[s.Name]; !wanted || !t.defines(&s) {
			continue
		}
		found[s.Name] = append(found[s.Name], definition{o, s.Version, s.VersionIndex, s.Hidden})
	}
	return found, nil
}

// defines reports whether a symbol is a definition that other files can see
// (glibc: elf/dl-lookup.c, check_match; musl: ldso/dynlink.c, find_sym2, which
// knows no IFUNC).
func (t *symbolTable) defines(s *elf.Symbol) bool {
	if s.Undefined() || s.Value == 0 && s.Section != stdelf.SHN_ABS && s.Type != stdelf.STT_TLS {
		return false
	}
	switch s.Bind {
	case stdelf.STB_GLOBAL, stdelf.STB_WEAK, gnuUnique:
	default:
		return false
	}
	switch s.Type {
	case stdelf.STT_NOTYPE, stdelf.STT_OBJECT, stdelf.STT_FUNC, stdelf.STT_COMMON, stdelf.STT_TLS:
		return true
	case stdelf.STT_GNU_IFUNC:
		return !t.musl
	}
	return false
}

// gnuUnique is STB_GNU_UNIQUE: a definition that is the same in all of a process.
const gnuUnique stdelf.SymBind = 10

// versionsOf returns the versions that a file defines, nil if it defines none.
func versionsOf(f *elf.File) (map[string]bool, error) {
	defs, err := f.VersionDefs()
	if err != nil || len(defs) == 0 {
		return nil, err
	}
	versions := map[string]bool{}
	for _, d := range defs {
		versions[d.Name] = true
	}
	return versions, nil
}

// find returns whether a definition in the scope meets a wanted symbol.
func (t *symbolTable) find(w want, s *scope) bool {
	for _, d := range t.definitions[w.name] {
		if s.has[d.object] && t.meets(d, w, s) {
			return true
		}
	}
	return false
}

// versymFirst is the first index of .gnu.version that tells versions apart:
// below are VER_NDX_LOCAL, VER_NDX_GLOBAL, and the first version, which serves
// references from before the library had versions.
const versymFirst = 3

// meets applies the rules of the loader for versions (elf/dl-lookup.c,
// check_match; musl: ldso/dynlink.c, gnu_lookup).
func (t *symbolTable) meets(d definition, w want, s *scope) bool {
	_, versioned := d.object.ELF().DynValue(stdelf.DT_VERSYM)
	switch {
	case t.musl:
		return !d.hidden
	case w.version == "":
		return !versioned || d.index < versymFirst || !d.hidden
	case !versioned:
		// ld.so aborts if it is the very file that shall have the version.
		return s.named(w.library) != d.object
	}
	return d.version == w.version || d.version == "" && !d.hidden
}
