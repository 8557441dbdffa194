package linkage

import (
	"errors"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/pe"
)

// WindowsOptions is what the loader of Windows alone knows of.
type WindowsOptions struct {
	// AddPath has folders that are searched after those of [Options.SearchPath].
	AddPath []string

	// Path has the folders of PATH, which are searched at last.
	Path []string

	// Owner tells whose a library is by its name in lower case: [PartOfWindows], [APISet],
	// [PartOfPython], or [NoRule] for one that is neither's. nil means that nobody's is known.
	Owner func(arch, name string) RuleKind

	// Added tells which folders, each once, Python code of the wheel adds to the search. It is asked
	// once, and only if a name does not lead to a library of the wheel otherwise.
	Added func() ([]AddedDir, error)
}

// An AddedDir is a folder of the wheel that its own Python code adds to the search for
// libraries (os.add_dll_directory), or from where it loads them by their paths.
type AddedDir struct {
	Dir   string // of members, as in the archive; "" for its top
	By    string // the member whose code does so
	Loads bool   // it loads them: that serves delay imports, which are not sought in added folders
}

// A windows is the loader of PE files: that of Windows, in a process of CPython. An
// extension module is loaded with LOAD_LIBRARY_SEARCH_DEFAULT_DIRS and
// LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR (CPython, Python/dynload_win.c; the flags are those of
// LoadLibraryExW): its own folder is searched for all that it leads to, then folders that
// were added, then those of Windows.
type windows struct {
	*engine
	byFold  map[string]*File    // members by where they are installed, in lower case
	byBase  map[string][]*File  // members by the name of their file, in lower case
	reached map[*Image]bool     // images that another one loads
	added   map[string]AddedDir // nil until somebody asks
}

// newWindows returns the loader of a system, which knows no file.
func newWindows(root Root, opts Options) *windows {
	disk := newDisk(parsePE, maxOpen)
	disk.closed, disk.fold, disk.pool.Through = opts.WheelOnly, true, opts.Through
	w := &windows{engine: newEngine(root, disk, opts), byFold: map[string]*File{}, byBase: map[string][]*File{}, reached: map[*Image]bool{}}
	w.graph.fold = true
	w.loader = w
	return w
}

func parsePE(in io.ReaderAt, size int64) (Content, string, error) {
	file, err := pe.NewFile(in, size)
	if err == nil {
		err = checkTables(file)
	}
	rule := (*pe.FormatError)(nil)
	switch {
	case err == nil:
		return file, "", nil
	case errors.Is(err, pe.ErrNotPE):
		return nil, "not a PE file", nil
	case errors.As(err, &rule):
		return nil, err.Error(), nil
	}
	return nil, "", err
}

// checkTables reads the tables that say what an image loads.
func checkTables(f *pe.File) error {
	_, plain := f.Imports()
	_, delayed := f.DelayImports()
	return errors.Join(plain, delayed)
}

// isPE reports whether members are PE files.
func isPE(members []Member) bool {
	if len(members) == 0 {
		return false
	}
	_, ok := members[0].Content.(*pe.File)
	return ok
}

// PE returns the code of an image of a PE file, nil if it is in another format.
func (i *Image) PE() *pe.File {
	f, _ := i.Code.(*pe.File)
	return f
}

// peArchs are the architectures as the platform tags of Windows spell them, but for x86,
// whose tag is win32 (sysconfig.get_platform).
var peArchs = map[pe.Machine]string{pe.MachineX86: "x86", pe.MachineX64: "amd64", pe.MachineARM64: "arm64", pe.MachineARM: "arm32"}

func (w *windows) images(f *File) (needs int, err error) {
	file := f.Content.(*pe.File)
	image := &Image{File: f, Arch: peArchs[file.Machine], Code: file}
	image.build = func() build { return build{size: file.Size()} }
	f.Images = []*Image{image}
	plain, err := file.Imports()
	if err != nil {
		return 0, err
	}
	delayed, err := file.DelayImports()
	if err != nil {
		return 0, err
	}
	for _, list := range []struct {
		kind    Kind
		imports []pe.Import
	}{{Plain, plain}, {Delay, delayed}} {
		seen := map[string]bool{}
		for _, d := range list.imports {
			if base := strings.ToLower(d.Name); !seen[base] {
				seen[base] = true
				image.Needs = append(image.Needs, &Need{Name: d.Name, Kind: list.kind})
			}
		}
	}
	if err := budget.Check(f.Path, "libraries that an image imports", len(image.Needs), maxNeeded); err != nil {
		return 0, err
	}
	if err := image.addForwards(); err != nil {
		return 0, err
	}
	if f.InWheel {
		fold := strings.ToLower(f.install)
		w.byFold[fold] = f
		w.byBase[path.Base(fold)] = append(w.byBase[path.Base(fold)], f)
	}
	return len(image.Needs), nil
}

// order begins with what Python imports: libraries that no module loads are opened by
// their paths (ctypes), or not at all.
func (w *windows) order() []*Image {
	images := Images(w.graph.Members)
	slices.SortStableFunc(images, func(a, b *Image) int { return loadedAs(a) - loadedAs(b) })
	return images
}

// loadedAs ranks images by who loads them: Python, Windows as a program, code.
func loadedAs(i *Image) int {
	switch {
	case IsWindowsModule(i.Path):
		return 0
	case !i.PE().IsDLL():
		return 1
	}
	return 2
}

// IsWindowsModule reports whether Python on Windows would look for a module in a file of
// that name (importlib.machinery.EXTENSION_SUFFIXES): it does so in .pyd alone.
func IsWindowsModule(name string) bool { return strings.EqualFold(path.Ext(name), ".pyd") }

func (w *windows) chain(image *Image, by *chain) *chain {
	c := &chain{image: image, up: by, root: image}
	if by != nil {
		c.root, c.program = by.root, by.program
		w.reached[image] = true
	} else if !image.PE().IsDLL() {
		c.program = image
	}
	return c
}

func (w *windows) unsettled(n *Need) bool { return n.Status == Missing }

// byName settles API sets, which are no files, and what Python has loaded before the
// module: a library of that name is not loaded a second time (Dynamic-link library search
// order, "Factors that affect searching").
func (w *windows) byName(c *chain, n *Need) {
	switch owner := w.owner(c.image, n); {
	case owner == APISet, owner == PartOfPython:
		n.Status, n.Rule = System, Rule{Kind: owner}
	}
}

func (w *windows) owner(image *Image, n *Need) RuleKind {
	if w.opts.Windows.Owner == nil {
		return NoRule
	}
	return w.opts.Windows.Owner(image.Arch, strings.ToLower(n.Name))
}

// refuses takes libraries for the architecture.
func (w *windows) refuses(from *Image, f *File) (*Image, string) {
	to := f.Images[0]
	switch {
	case to.PE().Machine != from.PE().Machine:
		return nil, to.PE().Machine.String() + ", not " + from.PE().Machine.String()
	case !to.PE().IsDLL():
		return nil, "a program, not a library"
	}
	return to, ""
}

func (w *windows) leftOut(*chain, *Need) {}

// finish tells libraries that something else has loaded before from those to which nothing
// leads.
func (w *windows) finish() {
	led := map[*Image]bool{}
	images := Images(w.graph.Members, w.graph.System)
	for _, image := range images {
		for _, n := range image.Needs {
			if n.IsFound() && n.Rule.Leads() && n.Kind != Delay {
				led[n.To] = true
			}
		}
	}
	for _, image := range images {
		for _, n := range image.Needs {
			if n.IsFound() && n.Rule.Kind == Stranded && led[n.To] {
				n.Rule = Rule{Kind: ByName}
			}
		}
	}
}
