package linkage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/steady"
)

// The C libraries whose loaders are known.
const (
	Glibc  = "glibc"
	Musl   = "musl"
	Bionic = "bionic" // of Android
)

// A File is one file of a graph: a member of the wheel, or a library of the system
// that something in the wheel needs. There is one File for each file, however many
// names lead to it.
type File struct {
	Path    string // member name, or the path on this machine without symbolic links
	InWheel bool
	// Universal tells that the file has an image for each of several architectures, and
	// that messages name them.
	Universal bool
	Content   Content  // what the file's own package makes of it
	Images    []*Image // one for each architecture: ELF files have one, Mach-O files one for each slice

	// Found is the name under which the loader came upon a library of the system, as
	// ld.so itself would show it: symbolic links are still in it.
	Found string

	named   bool   // a member of the graph that lies in a directory
	known   bool   // outside the wheel: the graph has it
	install string // where a member of the wheel lies once installed, see installPath
	real    string // outside the wheel: its path within the root
	found   string // the same as the loader came upon it
	root    Root   // outside the wheel: where it was found
	info    fs.FileInfo
}

// A Content is a file that can be read at any place: an [elf.File], a [macho.File] or a [pe.File].
type Content interface {
	io.ReaderAt
	Size() int64
}

// An Image is the code of a file for one architecture.
type Image struct {
	*File
	Arch   string  // as platform tags spell it; "" if they have no name for it
	Name   string  // soname or install name, "" for none
	Code   any     // what the file's own package makes of it: see [Image.ELF], [Image.Slice] and [Image.PE]
	Needs  []*Need // one for each library that the image names, in its order
	Interp *Need   // PT_INTERP of a program that [Loader.Load] was asked about, else nil

	byName map[string]*Need // of an image with many needs, see index
	build  func() build     // what it was made from

	exports *exports // of a PE image, once they were asked for
}

// NewFile returns a file outside the wheel that nothing was searched for: one that a
// program brings along. It has one image, which needs nothing that counts.
func NewFile(name string, content Content, arch string) *File {
	f := &File{Path: name, Content: content, Found: name, known: true}
	f.Images = []*Image{{File: f, Arch: arch, Name: name, Code: content}}
	return f
}

// AddNeed adds a library that the image shall name from now on.
func (o *Image) AddNeed(n *Need) {
	o.Needs = append(o.Needs, n)
	if o.byName != nil {
		o.byName[n.Name] = n
	}
}

// member reports whether a file is one of those that the graph is about.
func (f *File) member() bool { return f.InWheel || f.named }

// dir returns the folder of a file: once it is installed, or within its root.
func (f *File) dir() string {
	if f.InWheel {
		return path.Dir(f.install)
	}
	return path.Dir(f.real)
}

// Archs returns the architectures of the images, sorted.
func (f *File) Archs() []string {
	archs := make([]string, len(f.Images))
	for i, image := range f.Images {
		archs[i] = image.Arch
	}
	slices.Sort(archs)
	return archs
}

// SystemPath returns the path of a library within its system: without the
// sysroot in front. It is "" for a member of the wheel.
func (f *File) SystemPath() string { return f.real }

// FoundAs returns the file name under which a library of the system was found: that of
// a symbolic link, if one led to it.
func (f *File) FoundAs() string { return path.Base(f.found) }

// Open opens the file of a library anew, or of a member that lies in a directory. It
// is an error if it is no longer what was looked at.
func (f *File) Open() (*os.File, error) {
	in, _, err := f.root.fs().Open(f.real)
	if err != nil {
		return nil, err
	}
	if err := f.Same(in); err != nil {
		in.Close() // read only: nothing to lose
		return nil, err
	}
	return in, nil
}

// Same reports an error if an open file is not, or not any more, the one that was
// looked at.
func (f *File) Same(open *os.File) error { return steady.Same(f.info, open) }

// Status tells what became of a needed library.
type Status int

// The ways a needed library can end.
const (
	Missing   Status = iota // not found anywhere
	Found                   // To is the file
	System                  // part of macOS or Windows, or of the Python that loads the wheel
	Excluded                // left to the user's system by an exclude pattern
	LibPython               // Python itself: extension modules must not load it (PEP 513), the process has it already
)

// String returns the status as reports spell it.
func (s Status) String() string {
	return [...]string{"missing", "found", "system", "excluded", "libpython"}[s]
}

// A Kind tells in which way an image asks for a library.
type Kind string

// The kinds of needs. ELF files know [Plain] alone, PE files Plain, [Delay] and [Forward].
const (
	Plain    Kind = ""
	Weak     Kind = "weak"     // the loader does without it
	Reexport Kind = "reexport" // its symbols are those of the image as well
	Upward   Kind = "upward"   // the library needs the image in turn
	Lazy     Kind = "lazy"     // loaded when it is used
	Delay    Kind = "delay"    // PE: likewise, by a delay import
	Forward  Kind = "forward"  // PE: loaded when an export that stands for one of its own is imported
)

// A Need is one library that an image names, and what the name resolves to.
type Need struct {
	Name   string
	Kind   Kind
	Status Status
	To     *Image  // the file, when Found; what was left out, when Excluded and known
	Rule   Rule    // which rule of the search led to To
	Tried  []Place // every place searched in vain, when Missing

	// Entry is the search path entry that leads to an Excluded library on this
	// machine, and EntryOf the file that has it; OnSystem tells that the library
	// lies in one of the loader's own directories.
	Entry    string
	EntryOf  *Image
	OnSystem bool

	// Rivals are other members of the wheel that have the name, when the rule is
	// [Stranded]: To was chosen among them.
	Rivals []*Image

	// SystemName is the install name of a library of macOS that the name of the
	// load command does not spell, "" for others.
	SystemName string

	Program *Image // the program that alone finds it, since @executable_path is its folder; else nil
	Instead *File  // with the rule [OwnCopy]: the library outside the wheel that was found
	Fold    bool   // the name and that of the file differ in upper and lower case
}

// describe names an image for people.
func (i *Image) describe() string {
	if i.Universal {
		return i.Path + " (" + i.Arch + ")"
	}
	return i.Path
}

// Images returns the images of files.
func Images(files ...[]*File) []*Image {
	var images []*Image
	for _, list := range files {
		for _, f := range list {
			images = append(images, f.Images...)
		}
	}
	return images
}

// A Place is one directory that was searched, and why without success.
type Place struct {
	Dir  string
	Rule Rule
	Why  string // such as "not there", "not ELF", "i686, not x86_64"

	more int // places that this one stands for, which are not told
}

// notThere is the commonest reason, which goes without saying.
const notThere = "not there"

func (p Place) String() string {
	if p.Why == notThere {
		return fmt.Sprintf("%s (%v)", p.Dir, p.Rule)
	}
	return fmt.Sprintf("%s (%v: %s)", p.Dir, p.Rule, p.Why)
}

// Searched tells where a library was sought in vain, "" if there is no such place.
func Searched(places []Place) string {
	texts := make([]string, len(places))
	for i, p := range places {
		texts[i] = p.String()
	}
	return strings.Join(texts, ", ")
}

// A Graph is what the files of a wheel load, or one file of a file system.
type Graph struct {
	Members []*File  // of the wheel, in the order given; or the files that were named
	System  []*File  // libraries outside the wheel, sorted by path
	Added   []*File  // those of System that Options.Add names, in that order
	Roots   []*Image // ELF: members that no other has loaded before, in the order in which they are loaded

	Libc string // whose rules were followed; "" for dyld's

	fold   bool // names differ by more than letter case
	disk   io.Closer
	python map[*Image]bool // see UnderPython
}

// PatternNames returns what a pattern of [Options] can mean by the name or path of a
// library: install names are paths, of which the last element counts as well.
func (g *Graph) PatternNames(name string) []string {
	if g.Libc != "" {
		return []string{name}
	}
	return []string{name, path.Base(name)}
}

// Plain returns a name as it is compared with others: letter case does not count for PE
// files.
func (g *Graph) Plain(name string) string {
	if g.fold {
		return strings.ToLower(name)
	}
	return name
}

// MatchesName reports whether a pattern matches the name or path of a library of the
// graph, see [MatchPattern]: letter case does not count for PE files.
func (g *Graph) MatchesName(pattern, name string) bool {
	return MatchPattern(g.Plain(pattern), g.Plain(name))
}

// matchesAny reports whether one of some patterns matches one of some names.
func (g *Graph) matchesAny(patterns, names []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return g.MatchesName(pattern, name) })
	})
}

// ReadError returns the errors of reads that failed since the files of the graph were
// opened, each with its file: what was asked of such a file may be answered wrongly.
func (g *Graph) ReadError() error {
	var failed []error
	for _, f := range slices.Concat(g.Members, g.System) {
		if watched, ok := f.Content.(interface{ ReadError() error }); ok {
			if err := watched.ReadError(); err != nil {
				failed = append(failed, fmt.Errorf("%s: %w", f.Path, err))
			}
		}
	}
	return errors.Join(failed...)
}

// Close closes the system libraries of the graph.
func (g *Graph) Close() error {
	if g.disk == nil {
		return nil
	}
	return g.disk.Close()
}

// Loads returns the edges that a load of o follows, in the loader's order:
// breadth first, each library once, and whatever is not found. What has been
// loaded before is not among them.
func (o *Image) Loads() []*Need {
	var edges []*Need
	seen := map[*Image]bool{o: true}
	queue := []*Image{o}
	for len(queue) > 0 {
		from := queue[0]
		queue = queue[1:]
		for _, e := range from.Needs {
			switch {
			case e.Status != Found:
				edges = append(edges, e)
			case !seen[e.To]:
				seen[e.To] = true
				edges = append(edges, e)
				queue = append(queue, e.To)
			}
		}
	}
	return edges
}

// Reach returns the files that images come to by the needs that are followed, breadth
// first, each once, the files of the images themselves first.
func (g *Graph) Reach(from []*Image, follow func(*Need) bool) []*File {
	var files []*File
	seen := map[*File]bool{}
	for _, i := range Reach(from, follow) {
		if !seen[i.File] {
			seen[i.File] = true
			files = append(files, i.File)
		}
	}
	return files
}

// Reach returns the images that others come to by the needs that are followed, breadth
// first, each once, after those themselves.
func Reach(from []*Image, follow func(*Need) bool) []*Image {
	return ReachUnseen(from, map[*Image]bool{}, follow)
}

// ReachUnseen is [Reach] without what has been seen, to which it adds what it finds.
// What was seen must be there with all that it comes to.
func ReachUnseen(from []*Image, seen map[*Image]bool, follow func(*Need) bool) []*Image {
	var queue []*Image
	add := func(i *Image) {
		if !seen[i] {
			seen[i] = true
			queue = append(queue, i)
		}
	}
	for _, i := range from {
		add(i)
	}
	for n := 0; n < len(queue); n++ {
		for _, need := range queue[n].Needs {
			if follow(need) && need.To != nil {
				add(need.To)
			}
		}
	}
	return queue
}

// IsFound reports whether a library was found: what a load follows.
func (n *Need) IsFound() bool { return n.Status == Found }

// index makes [Image.Need] fast.
func (o *Image) index() {
	const many = 16
	if len(o.Needs) < many {
		return
	}
	o.byName = make(map[string]*Need, len(o.Needs))
	for _, e := range slices.Backward(o.Needs) {
		o.byName[e.Name] = e
	}
}

// Need returns what the image names so, nil if there is nothing.
func (o *Image) Need(name string) *Need {
	if o.byName != nil {
		return o.byName[name]
	}
	for _, e := range o.Needs {
		if e.Name == name {
			return e
		}
	}
	return nil
}
