package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// A windows is what was found out about a Windows wheel, which is held to the architecture
// of its tags: they promise nothing else.
type windows struct {
	graph    *linkage.Graph
	arch     string          // as the tag spells it, "x86" for win32
	grafts   []*linkage.File // libraries that a repair copies in, sorted by path
	blockers []Blocker       // in the making
	forwards map[*linkage.Need]bool
	helped   []*linkage.File // for another architecture, which does no harm
}

// assess finds the libraries of the wheel and holds it to its tags.
func (w *windows) assess(ctx context.Context, r *Report) (err error) {
	c := r.Contents
	if w.graph, err = linkage.Resolve(ctx, membersOf(c.of(PE)), c.forLoader(r.options.Options)); err != nil {
		return err
	}
	r.Graph = w.graph
	if w.forwards, err = w.graph.UsedForwards(); err != nil {
		return err
	}
	if w.arch, err = c.windowsArch(w.graph); err != nil {
		return err
	}
	w.grafts = w.findGrafts()
	if err := w.block(); err != nil {
		return err
	}
	tag := strings.Join(w.tags(r, true), ".")
	for i := range w.blockers {
		w.blockers[i].Tag = tag
	}
	r.Archs, r.Files, r.Partial = []string{w.arch}, peFiles(c), w.helped
	r.Verdicts = []Verdict{{Blockers: w.blockers, Grafts: w.grafts}}
	return nil
}

// forWindows reports whether the file name says that the wheel is for Windows.
func (c *Contents) forWindows() bool { return len(c.platforms(policy.Windows)) > 0 }

// windowsArch returns the architecture that the file name names, or else that of the
// first module, or of the first file.
func (c *Contents) windowsArch(g *linkage.Graph) (string, error) {
	arch := ""
	for _, p := range c.platforms(policy.Windows) {
		if arch != "" && p.Arch != arch {
			return "", &archError{OSWindows, arch, p.Arch}
		}
		arch = p.Arch
	}
	for _, modules := range []bool{true, false} {
		for _, image := range linkage.Images(g.Members) {
			if arch == "" && (!modules || linkage.IsWindowsModule(image.Path)) {
				arch = image.Arch
			}
		}
	}
	return arch, nil
}

// forLoader tells the loader of Windows what the wheel adds to a search, and whose the
// libraries are that it does not hold.
func (c *Contents) forLoader(opts linkage.Options) linkage.Options {
	opts.Windows.Owner = ownerFor(c.Filename.Tags(), opts.Graft)
	opts.Windows.Added = c.addedDirs
	return opts
}

// windowsMachines are the architectures of package policy, as platform tags spell them.
var windowsMachines = map[string]string{"x86": policy.WindowsX86, "amd64": policy.WindowsX64, "arm64": policy.WindowsARM64}

// findGrafts returns the libraries outside the wheel that its files load, directly and
// through others, and that are neither Windows' nor Python's.
func (w *windows) findGrafts() []*linkage.File {
	var grafts []*linkage.File
	for _, f := range w.graph.Reach(linkage.Images(w.graph.Members), (*linkage.Need).IsFound) {
		if !f.InWheel {
			grafts = append(grafts, f)
		}
	}
	slices.SortFunc(grafts, byPath)
	return grafts
}

// tags returns the tag of the architecture: that of the file name, if it has one.
func (w *windows) tags(r *Report, _ bool) []string {
	if named := r.Contents.platforms(policy.Windows); len(named) > 0 {
		return []string{named[0].Tag}
	}
	if tag := windowsTag(w.arch); tag != "" {
		return []string{tag}
	}
	return nil
}

// windowsTag spells the platform tag of an architecture (sysconfig.get_platform).
func windowsTag(arch string) string {
	switch arch {
	case "":
		return ""
	case "x86":
		return "win32"
	}
	return "win_" + arch
}

// judge holds the wheel as it stands to a platform tag of Windows, also one for another
// architecture than the report is about.
func (w *windows) judge(_ *Report, p policy.Platform) Verdict {
	v := Verdict{Platform: p}
	held := &windows{graph: w.graph, arch: p.Arch, forwards: w.forwards}
	held.grafts = held.findGrafts()
	if err := held.block(); err != nil {
		v.Unknown = err
		return v
	}
	v.Blockers = held.blockers
	for i := range v.Blockers {
		v.Blockers[i].Tag = p.Tag
	}
	return v
}

// loads returns what a file loads. Forwarders count if somebody follows them.
func (w *windows) loads(f *linkage.File) []load {
	var all []load
	for _, image := range f.Images {
		for _, n := range image.Needs {
			if n.Kind != linkage.Forward || w.forwards[n] {
				all = append(all, load{image, n})
			}
		}
	}
	return all
}

// scope counts the files that were looked at.
func (w *windows) scope() string {
	archs := map[string]bool{}
	for _, image := range linkage.Images(w.graph.Members) {
		archs[cmp.Or(image.Arch, image.PE().Machine.String())] = true
	}
	return phrase.Count(len(w.graph.Members), "PE file") + " for " + strings.Join(slices.Sorted(maps.Keys(archs)), ", ")
}

func (w *windows) basis(*Report, policy.Platform) (basis string, evidence []string) {
	return w.scope(), nil
}

// peFiles describes the PE files of a wheel.
func peFiles(c *Contents) []File {
	var files []File
	for _, b := range c.of(PE) {
		f := File{Path: b.Member.Name, Extension: linkage.IsWindowsModule(b.Member.Name)}
		plain, _ := b.PE().Imports() // both were read when the file was
		delayed, _ := b.PE().DelayImports()
		for _, d := range slices.Concat(plain, delayed) {
			if !slices.Contains(f.Needed, d.Name) {
				f.Needed = append(f.Needed, d.Name)
			}
		}
		files = append(files, f)
	}
	return files
}

// pythonImports returns what the modules import of the library of Python.
func (w *windows) pythonImports(*Report) ([]pythonImports, error) {
	var names []string
	var imports []map[string]bool
	for _, image := range linkage.Images(w.graph.Members) {
		wanted := map[string]bool{}
		for _, n := range image.Needs {
			if _, python := policy.PythonDLL(n.Name); !python {
				continue
			}
			for _, symbol := range image.Imported(n) {
				wanted[symbol] = true
			}
		}
		names, imports = append(names, image.Path), append(imports, wanted)
	}
	return withImports(names, imports, nil), nil
}

// describeArch names an architecture for people.
func describeArch(image *linkage.Image) string {
	return fmt.Sprintf("it is for %v", image.PE().Machine)
}
