package repair

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// TreeOptions tunes the repair of a directory with Mach-O files.
type TreeOptions struct {
	Dyld          linkage.DyldOptions // where libraries are sought, which are left out
	LibDir        string              // folder for the copies, below the directory unless it is absolute; "" means DefaultDylibsDir
	IgnoreMissing bool                // go on when a library was not found
	KeepRPaths    bool                // leave search paths of the build machine in the files
	Jobs          int                 // pages hashed at once; 0 means GOMAXPROCS
}

// A TreeResult tells what has been done to a directory.
type TreeResult struct {
	Copied   []TreeCopy // sorted by source
	Edited   []string   // files, sorted
	Warnings []string
}

// A TreeCopy is a library that was copied.
type TreeCopy struct{ Source, Path string }

// sweep removes what killed runs have left below a directory, and says so.
func (r *TreeResult) sweep(ctx context.Context, top string) error {
	return filepath.WalkDir(top, func(at string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		removed, err := atomicfile.Sweep(at)
		for _, name := range removed {
			r.Warnings = append(r.Warnings, name+": removed; a run that was killed left it")
		}
		return err
	})
}

// RepairTree copies the libraries that the Mach-O files below a directory load, and
// that lie elsewhere, into one of its folders, and has the files load them and each
// other by @loader_path, wherever the directory is moved to. Links to files are not
// followed, and nothing is written outside of the directory, or of the folder that
// the options name, whatever links they hold. All is decided before the first file is
// written. The copies come first, and each file is replaced in one step, so that none
// is ever without its libraries.
func RepairTree(ctx context.Context, dir string, opts TreeOptions) (result *TreeResult, err error) {
	top, err := filepath.Abs(dir)
	if err == nil {
		top, err = filepath.EvalSymlinks(top)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(top)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	result = &TreeResult{}
	if err := result.sweep(ctx, top); err != nil {
		return nil, err
	}
	files, err := audit.MachOFiles(ctx, top)
	if err != nil {
		return nil, err
	}
	graph, err := linkage.LoadDyldFiles(ctx, files, opts.Dyld)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, graph.Close()) }()
	t := &tree{opts: opts, graph: graph, top: top, root: root, libDir: libDirOf(top, opts.LibDir), places: map[*linkage.File]string{}, twins: map[*linkage.File]*linkage.File{}, result: result}
	for _, step := range []func(context.Context) error{t.place, t.plan, t.write, t.check} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return t.result, nil
}

func libDirOf(top, name string) string {
	switch {
	case name == "":
		return filepath.Join(top, DefaultDylibsDir)
	case filepath.IsAbs(name):
		return filepath.Clean(name)
	}
	return filepath.Join(top, name)
}

// A tree is the repair of one directory.
type tree struct {
	opts   TreeOptions
	graph  *linkage.Graph
	top    string   // the directory
	root   *os.Root // the same: every file of it is written through this
	libDir string
	grafts []*linkage.File                 // without those that are the same as another
	places map[*linkage.File]string        // where each file of the result lies
	left   map[string]bool                 // names of libraries that are not found, or left out
	twins  map[*linkage.File]*linkage.File // by a graft that is not written: the same file
	edits  map[*linkage.File]*macho.Overlay
	result *TreeResult
}

// place finds the libraries that are to be copied, and names them.
func (t *tree) place(context.Context) error {
	for _, b := range t.graph.Members {
		t.places[b] = b.Path
	}
	if err := t.findLeft(); err != nil {
		return err
	}
	type copied struct{ base, digest string }
	same := map[copied]*linkage.File{}
	taken := map[string]bool{}
	for _, b := range t.outside() {
		digest, err := fileDigest(b.MachO())
		if err != nil {
			return named(b.Path, err)
		}
		key := copied{strings.ToLower(graftBase(b)), digest}
		if first := same[key]; first != nil {
			t.places[b], t.twins[b] = t.places[first], first
			continue
		}
		same[key] = b
		path := filepath.Join(t.libDir, graftBase(b))
		if _, err := os.Lstat(path); err == nil || taken[strings.ToLower(path)] {
			path = filepath.Join(t.libDir, graftName(graftBase(b), digest))
		}
		taken[strings.ToLower(path)] = true
		t.places[b] = path
		t.grafts = append(t.grafts, b)
		t.result.Copied = append(t.result.Copied, TreeCopy{b.Path, path})
	}
	return nil
}

// outside returns the libraries elsewhere that the members load, directly and through
// others, sorted by path.
func (t *tree) outside() []*linkage.File {
	seen := map[*linkage.File]bool{}
	queue := slices.Clone(t.graph.Members)
	var found []*linkage.File
	for i := 0; i < len(queue); i++ {
		for _, e := range loadsOf(queue[i]) {
			if e.Status != linkage.Found || t.places[e.To.File] != "" || seen[e.To.File] {
				continue
			}
			seen[e.To.File] = true
			queue = append(queue, e.To.File)
			found = append(found, e.To.File)
		}
	}
	slices.SortFunc(found, func(a, b *linkage.File) int { return strings.Compare(a.Path, b.Path) })
	return found
}

// loadsOf returns what the slices of a file load.
func loadsOf(b *linkage.File) []*linkage.Need {
	var all []*linkage.Need
	for _, image := range b.Images {
		all = append(all, image.Needs...)
	}
	return all
}

// findLeft notes what is not found or left out, and refuses the former.
func (t *tree) findLeft() error {
	t.left = map[string]bool{}
	var lost []string
	for _, b := range slices.Concat(t.graph.Members, t.graph.System) {
		for _, e := range loadsOf(b) {
			known := t.left[e.Name]
			switch {
			case e.Status == linkage.LibPython && !known && b.MachO().Slices[0].Type == macho.Execute:
				t.left[e.Name] = true
				lost = append(lost, b.Path+": a program that needs "+e.Name+" cannot be made portable")
			case e.Status == linkage.Excluded || e.Status == linkage.Missing && e.Kind == linkage.Weak:
				t.left[e.Name] = true
			case e.Status == linkage.Missing && !known:
				t.left[e.Name] = true
				lost = append(lost, b.Path+": "+e.Name+" was not found; searched "+linkage.Searched(e.Tried))
			}
		}
	}
	switch {
	case len(lost) == 0:
		return nil
	case !t.opts.IgnoreMissing:
		return errors.New(phrase.Some(lost, 3))
	}
	t.result.Warnings = append(t.result.Warnings, lost...)
	return nil
}

// plan computes all that is to be written.
func (t *tree) plan(ctx context.Context) error {
	for b, first := range t.twins {
		if !reflect.DeepEqual(t.change(first), t.change(b)) {
			return fmt.Errorf("%s and %s are the same file, but load different libraries from where they lie; they cannot both become %s", first.Path, b.Path, t.places[b])
		}
	}
	t.edits = map[*linkage.File]*macho.Overlay{}
	m := mender{keepRPaths: t.opts.KeepRPaths, jobs: t.opts.Jobs, warn: func(format string, args ...any) {
		t.result.Warnings = append(t.result.Warnings, fmt.Sprintf(format, args...))
	}}
	for _, b := range slices.Concat(t.graph.Members, t.grafts) {
		change := Change{Slices: t.change(b)}
		if err := m.mend(ctx, b, &change); err != nil {
			return err
		}
		edited, err := b.MachO().EditSlices(ctx, macho.Options{FileName: filepath.Base(t.places[b]), Jobs: t.opts.Jobs}, change.sliceEdits(b.MachO()))
		if err != nil {
			return named(b.Path, err)
		}
		t.edits[b] = edited
	}
	return nil
}

// change decides about the slices of a file. Search paths go from files whose
// libraries have new names, as delocate does it.
func (t *tree) change(b *linkage.File) []SliceChange {
	var changes []SliceChange
	relative := false
	for _, image := range b.Images {
		s := SliceChange{Arch: image.Arch}
		s.lookUpPython(image)
		for _, e := range image.Needs {
			r := Rename{Old: e.Name, New: e.SystemName}
			if to := target(image, e); to != nil && t.places[to] != "" {
				relative = true
				r.New = t.loaderPath(b, to)
			}
			if r.New != "" && r.New != r.Old && !slices.Contains(s.Needed, r) {
				s.Needed = append(s.Needed, r)
			}
		}
		changes = append(changes, s)
	}
	for i, image := range b.Images {
		if relative && !t.opts.KeepRPaths {
			changes[i].RemovedRPaths = buildRPaths(image.Slice().RPaths, slices.Concat(t.graph.Members, t.graph.System))
		}
	}
	return slices.DeleteFunc(changes, func(s SliceChange) bool { return s.empty() })
}

// loaderPath spells the way from one file of the result to another.
func (t *tree) loaderPath(from, to *linkage.File) string {
	rel, err := filepath.Rel(filepath.Dir(t.places[from]), t.places[to])
	if err != nil {
		return "" // both are absolute
	}
	return "@loader_path/" + filepath.ToSlash(rel)
}

// write writes the copies, then the files that change.
func (t *tree) write(ctx context.Context) error {
	if len(t.grafts) > 0 {
		if err := t.writeGrafts(ctx); err != nil {
			return err
		}
	}
	for _, b := range t.graph.Members {
		if !t.edits[b].Edited() {
			continue
		}
		name, err := filepath.Rel(t.top, b.Path)
		if err != nil {
			return err
		}
		if err := t.writeFile(ctx, b, func(src *os.File, fill, check func(*os.File) error) error {
			lost, err := atomicfile.ReplaceIn(t.root, name, src, fill, check)
			for _, attribute := range lost {
				t.result.Warnings = append(t.result.Warnings, fmt.Sprintf("%s: its %s could not be kept: this process may not set it", b.Path, attribute))
			}
			return err
		}); err != nil {
			return named(b.Path, err)
		}
		t.result.Edited = append(t.result.Edited, b.Path)
	}
	slices.Sort(t.result.Edited)
	return nil
}

// writeGrafts writes the copies.
func (t *tree) writeGrafts(ctx context.Context) error {
	dir, err := t.openLibDir()
	if err != nil {
		return err
	}
	defer dir.Close()
	for _, b := range t.grafts {
		if err := t.writeFile(ctx, b, func(src *os.File, fill, check func(*os.File) error) error {
			return atomicfile.WriteIn(dir, filepath.Base(t.places[b]), 0o755, fill, check)
		}); err != nil {
			return named(t.places[b], err)
		}
	}
	return nil
}

// openLibDir makes the folder of the copies. One below the directory cannot be a link
// that leads out of it; one elsewhere is what the user asked for.
func (t *tree) openLibDir() (*os.Root, error) {
	rel, err := filepath.Rel(t.top, t.libDir)
	if err != nil || !filepath.IsLocal(rel) {
		if err := os.MkdirAll(t.libDir, 0o777); err != nil {
			return nil, err
		}
		return os.OpenRoot(t.libDir)
	}
	if err := t.root.MkdirAll(rel, 0o777); err != nil {
		return nil, fmt.Errorf("folder for libraries %s: %w", t.libDir, reasonOf(err))
	}
	dir, err := t.root.OpenRoot(rel)
	if err != nil {
		return nil, fmt.Errorf("folder for libraries %s: %w", t.libDir, reasonOf(err))
	}
	return dir, nil
}

// reasonOf leaves path and system call out of an error.
func reasonOf(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// writeFile opens the source of a file of the result and hands what fills and checks
// the new one to put. The source has to be the file that was looked at.
func (t *tree) writeFile(ctx context.Context, b *linkage.File, put func(src *os.File, fill, check func(*os.File) error) error) error {
	src, err := b.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	edited := t.edits[b]
	return put(src,
		func(f *os.File) error {
			return errors.Join(edited.WriteFile(ctx, f, src), b.Same(src))
		},
		func(f *os.File) error { return macho.CheckWritten(edited, f) })
}

// check reads the result back: what the files load is among them.
func (t *tree) check(ctx context.Context) (err error) {
	var files []string
	inside := map[string]bool{}
	for _, b := range slices.Concat(t.graph.Members, t.grafts) {
		files = append(files, t.places[b])
		inside[t.places[b]] = true
	}
	opts := t.opts.Dyld
	opts.SearchPath, opts.LibraryPath = nil, nil // they would be looked at first
	graph, err := linkage.LoadDyldFiles(ctx, files, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, graph.Close()) }()
	for _, b := range graph.Members {
		inside[b.Path] = true // without the links of the library folder
	}
	for _, b := range graph.Members {
		for _, e := range loadsOf(b) {
			found := e.Status == linkage.Found && inside[e.To.Path]
			if !found && e.Status != linkage.System && e.Status != linkage.Excluded && !t.left[e.Name] {
				return fmt.Errorf("%s does not find %s in the directory as it was written; searched %s", b.Path, e.Name, linkage.Searched(e.Tried))
			}
		}
	}
	return nil
}
