package repair

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/overlay"
)

// DirectoryOptions tunes the repair of a directory with Mach-O files.
type DirectoryOptions struct {
	Link          linkage.Options // where libraries are sought, which are left out
	LibDir        string          // folder for the copies, below the directory unless it is absolute; "" means DefaultDylibsDir
	IgnoreMissing bool            // go on when a library was not found
	KeepRPaths    bool            // leave search paths of the build machine in the files
	Jobs          int             // pages hashed at once; 0 means GOMAXPROCS
}

// A DirectoryResult tells what has been done to a directory.
type DirectoryResult struct {
	Copied   []DirectoryCopy // sorted by source
	Edited   []string        // files, sorted
	Warnings []string
}

// A DirectoryCopy is a library that was copied.
type DirectoryCopy struct{ Source, Path string }

// sweep removes what killed runs have left below a directory, and says so.
func (r *DirectoryResult) sweep(ctx context.Context, top string) error {
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

// RepairDirectory copies the libraries that the Mach-O files below a directory load, and
// that lie elsewhere, into one of its folders, and has the files load them and each
// other by @loader_path, wherever the directory is moved to. Links to files are not
// followed, and nothing is written outside of the directory, or of the folder that
// the options name, whatever links they hold. All is decided before the first file is
// written. The copies come first, and each file is replaced in one step, so that none
// is ever without its libraries.
func RepairDirectory(ctx context.Context, dir string, opts DirectoryOptions) (result *DirectoryResult, err error) {
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
	result = &DirectoryResult{}
	if err := result.sweep(ctx, top); err != nil {
		return nil, err
	}
	files, err := audit.MachOFiles(ctx, top)
	if err != nil {
		return nil, err
	}
	t := &directory{opts: opts, top: top, root: root, libDir: libDirOf(top, opts.LibDir), result: result}
	graph, err := t.settleNames(ctx, files)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, graph.Close()) }()
	if err := t.write(ctx); err != nil {
		return nil, err
	}
	return result, t.check(ctx)
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

// A directory is the repair of one directory: a [Plan] whose members are files, called by their
// absolute paths with slashes.
type directory struct {
	macOS
	opts   DirectoryOptions
	top    string   // the directory
	root   *os.Root // the same: every file of it is written through this
	libDir string
	plan   *Plan
	parts  *parts
	left   map[string]bool // names of libraries that are not found, or left out
	kept   keptCopies
	result *DirectoryResult
}

// decide plans and computes all that is to be written.
func (t *directory) decide(ctx context.Context, graph *linkage.Graph) (err error) {
	if err := t.findLeft(graph); err != nil {
		return err
	}
	p := emptyPlan(&audit.Report{Graph: graph}, &Options{
		Audit: audit.Options{Options: t.opts.Link}, Load: audit.LoadOptions{Jobs: t.opts.Jobs},
		MacOS: MacOptions{KeepRPaths: t.opts.KeepRPaths, KeepIDs: true},
	})
	p.system, p.directory, t.plan = t, true, p
	loaded := graph.Reach(linkage.Images(graph.Members), (*linkage.Need).IsFound)
	p.verdict = &audit.Verdict{Grafts: slices.DeleteFunc(loaded, func(f *linkage.File) bool { return slices.Contains(graph.Members, f) })}
	slices.SortFunc(p.verdict.Grafts, func(a, b *linkage.File) int { return strings.Compare(a.Path, b.Path) })
	if err := p.planGrafts(ctx); err != nil {
		return err
	}
	if err := p.planEdits(ctx); err != nil {
		return err
	}
	t.result.Warnings = append(t.result.Warnings, p.Warnings...)
	t.parts, err = newParts(ctx, p, nil, t.opts.Jobs)
	return errors.Join(err, graph.ReadError())
}

// names leaves each library the name of its file, unless something else has it.
func (t *directory) names(_ *Plan, libraries []*linkage.File, digests []string) (dirs libDirs, bases []string, err error) {
	bases = dylibNames(libraries, digests)
	owners := map[string]string{} // by the name in lower case
	for i, base := range bases {
		name := strings.ToLower(base)
		if owners[name] == "" {
			owners[name] = digests[i]
			if t.kept.others[filepath.Join(t.libDir, base)] {
				owners[name] = "a file"
			}
		}
		if owners[name] != digests[i] {
			bases[i] = graftName(base, digests[i])
		}
	}
	return newLibDirs(filepath.ToSlash(t.libDir), "", nil), bases, nil
}

// findLeft notes what is not found or left out, and refuses the former.
func (t *directory) findLeft(graph *linkage.Graph) error {
	t.left = map[string]bool{}
	var lost []string
	for _, image := range linkage.Images(graph.Members, graph.System) {
		for _, e := range image.Needs {
			known := t.left[e.Name]
			switch {
			case e.Status == linkage.LibPython && !known && image.Slice().Type == macho.Execute:
				t.left[e.Name] = true
				lost = append(lost, image.Path+": a program that needs "+e.Name+" cannot be made portable")
			case e.Status == linkage.Excluded || e.Status == linkage.Missing && e.Kind == linkage.Weak:
				t.left[e.Name] = true
			case e.Status == linkage.Missing && !known:
				t.left[e.Name] = true
				lost = append(lost, image.Path+": "+e.Name+" was not found; searched "+linkage.Searched(e.Tried))
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

// write writes the copies, then the files that change.
func (t *directory) write(ctx context.Context) error {
	if len(t.plan.Grafts) > 0 {
		if err := t.writeGrafts(ctx); err != nil {
			return err
		}
	}
	for i, e := range t.plan.Edits {
		if !t.parts.edits[i].Edited() {
			continue
		}
		name, err := filepath.Rel(t.top, e.file.Path)
		if err != nil {
			return err
		}
		if err := writeEdited(ctx, e.file, t.parts.edits[i], func(src *os.File, fill, check func(*os.File) error) error {
			lost, err := atomicfile.ReplaceIn(t.root, name, src, fill, check)
			for _, attribute := range lost {
				t.result.Warnings = append(t.result.Warnings, fmt.Sprintf("%s: its %s could not be kept: this process may not set it", e.file.Path, attribute))
			}
			return err
		}); err != nil {
			return named(e.file.Path, err)
		}
		t.result.Edited = append(t.result.Edited, e.file.Path)
	}
	slices.Sort(t.result.Edited)
	return nil
}

// writeGrafts writes the copies.
func (t *directory) writeGrafts(ctx context.Context) error {
	dir, err := t.openLibDir()
	if err != nil {
		return err
	}
	defer dir.Close()
	for i, g := range t.plan.Grafts {
		if t.kept.there[g.Member] {
			continue
		}
		if err := writeEdited(ctx, g.file, t.parts.grafts[i], func(_ *os.File, fill, check func(*os.File) error) error {
			return atomicfile.WriteIn(dir, path.Base(g.Member), graftMode, fill, check)
		}); err != nil {
			return named(filepath.FromSlash(g.Member), err)
		}
	}
	return nil
}

// openLibDir makes the folder of the copies. One below the directory cannot be a link
// that leads out of it; one elsewhere is what the user asked for.
func (t *directory) openLibDir() (*os.Root, error) {
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

// writeEdited opens the source of a file of the result and hands what fills and checks
// the new one to put. The source has to be the file that was looked at.
func writeEdited(ctx context.Context, f *linkage.File, edited *overlay.Overlay, put func(src *os.File, fill, check func(*os.File) error) error) error {
	src, err := f.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	return put(src,
		func(out *os.File) error { return errors.Join(edited.WriteFile(ctx, out, src), f.Same(src)) },
		func(out *os.File) error { return macho.CheckWritten(edited, out) })
}

// check reads the result back: what the files load is among them.
func (t *directory) check(ctx context.Context) (err error) {
	var files []string
	for _, f := range t.plan.graph.Members {
		files = append(files, f.Path)
	}
	for _, g := range t.plan.Grafts {
		if at := filepath.FromSlash(g.Member); !slices.Contains(files, at) {
			files = append(files, at)
		}
	}
	opts := t.opts.Link
	opts.SearchPath, opts.Dyld.LibraryPath = nil, nil // they would be looked at first
	graph, err := linkage.LoadDyldFiles(ctx, files, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, graph.Close()) }()
	inside := map[string]bool{}
	for _, f := range graph.Members {
		inside[f.Path] = true // without the links of the library folder
	}
	for _, f := range graph.Members {
		for _, e := range needsOf(f) {
			found := e.Status == linkage.Found && inside[e.To.Path]
			if !found && e.Status != linkage.System && e.Status != linkage.Excluded && !t.left[e.Name] {
				return fmt.Errorf("%s does not find %s in the directory as it was written; searched %s", f.Path, e.Name, linkage.Searched(e.Tried))
			}
		}
	}
	return graph.ReadError()
}
