package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/wheel"
)

// DefaultMemory is how much of a wheel's binaries [Load] keeps in memory, in
// bytes. What exceeds it goes to temporary files.
const DefaultMemory = 24 << 20

// A Binary is a member of the wheel that a loader could be asked to load: an ELF, Mach-O or
// PE file.
type Binary struct {
	Member  *wheel.Member
	Content linkage.Content // an [elf.File], a [macho.File] or a [pe.File]
}

// A Foreign is a member in a format of another system, or one that only looks
// like a shared library. It is named, and left alone.
type Foreign struct {
	Path string
	Kind string // such as "Mach-O", "PE", "static archive"

	os      OS   // whose loader takes it, "" for none
	library bool // it is loaded, and not only executed
}

// Contents is what [Load] found in a wheel.
type Contents struct {
	Filename wheel.Filename
	Reader   *wheel.Reader
	Files    []Binary  // sorted by name
	Foreign  []Foreign // sorted by name

	jobs    int               // binaries looked at at once, see LoadOptions
	amended []wheel.Amendment // rows of RECORD that are to be written anew, sorted by member

	store   *spool.Store
	file    *wheel.File        // of [Open], else nil
	damaged map[Format][]Fault // binaries that cannot be read; only Verify goes on with them

	commands commandCount
	needed   neededCount
	imported importCount
}

// Close releases the binaries, and the wheel if [Open] has opened it.
func (c *Contents) Close() error {
	var err error
	if c.store != nil {
		err = c.store.Close()
	}
	if c.file != nil {
		err = errors.Join(err, c.file.Close())
	}
	return err
}

// Open opens the wheel at a path and reads it as [Load] does. Closing the contents closes
// the wheel.
func Open(ctx context.Context, path string, opts LoadOptions) (*Contents, error) {
	w, err := wheel.Open(path)
	if err != nil {
		return nil, err
	}
	c, err := Load(ctx, filepath.Base(path), w.Reader, opts)
	if err != nil {
		return nil, errors.Join(err, w.Close())
	}
	c.file = w
	return c, nil
}

// LoadOptions tunes Load. The zero value is right for any machine.
type LoadOptions struct {
	Jobs    int    // members read at once; 0 means GOMAXPROCS
	Memory  int64  // bytes of binaries kept in memory; 0 means DefaultMemory
	TempDir string // for what does not fit; "" is the system's own place

	// RewriteRecord goes on where RECORD contradicts the archive: its rows are to be
	// written anew, see [Contents.Amended].
	RewriteRecord bool

	// Progress is told how many bytes of the members have been read, of how many. It may
	// be called from several goroutines at once.
	Progress func(done, total int64)
}

// counted has a visit tell the progress of a scan.
func (o *LoadOptions) counted(r *wheel.Reader, visit func(*wheel.Member, io.Reader) error) func(*wheel.Member, io.Reader) error {
	if o.Progress == nil {
		return visit
	}
	var total int64
	for _, m := range r.Members() {
		total += m.Size
	}
	var done atomic.Int64
	return func(m *wheel.Member, content io.Reader) error {
		err := visit(m, content)
		o.Progress(done.Add(m.Size), total)
		return err
	}
}

// newContents returns the contents of the wheel called base of which no member has been
// read. They need no closing before the first one is.
func newContents(base string, r *wheel.Reader, opts LoadOptions) (*Contents, error) {
	name, err := wheel.ParseFilename(base)
	if err != nil {
		return nil, err
	}
	return &Contents{jobs: opts.Jobs, Filename: name, Reader: r, store: spool.NewStore(cmp.Or(opts.Memory, DefaultMemory), opts.TempDir)}, nil
}

// Load reads every member of the wheel called base (its file name), checks it
// against RECORD as [wheel.Reader.ScanAmending] does, and parses those that are ELF, Mach-O or PE images. The error of a
// damaged member names it; a damaged Mach-O file in a wheel whose name does not say
// macOS is data.
func Load(ctx context.Context, base string, r *wheel.Reader, opts LoadOptions) (*Contents, error) {
	c, err := newContents(base, r, opts)
	if err != nil {
		return nil, err
	}
	if name := c.Filename; !name.Owns(r.DistInfo()) {
		return nil, fmt.Errorf("%s is not the folder of %s, which the file name names (PEP 427); rename the wheel or build it again", r.DistInfo(), name.Name)
	}
	var mu sync.Mutex
	c.amended, err = r.ScanAmending(ctx, opts.Jobs, opts.RewriteRecord, opts.counted(r, c.visit(&mu)))
	c.sort()
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Derive returns the contents of a wheel that was made from the one of c and is
// open in r. Members in known, by name, are not read: they are that binary, or none
// if it is nil. The others are checked against RECORD.
func (c *Contents) Derive(ctx context.Context, base string, r *wheel.Reader, opts LoadOptions, known map[string]linkage.Content) (*Contents, error) {
	d, err := newContents(base, r, opts)
	if err != nil {
		return nil, err
	}
	d.Foreign = slices.Clone(c.Foreign)
	unknown := func(m *wheel.Member) bool {
		_, ok := known[m.Name]
		return !ok
	}
	for _, m := range r.Members() {
		d.add(m, finding{binary: known[m.Name]})
	}
	if err := d.scan(ctx, opts.Jobs, unknown); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// scan reads the members that want picks.
func (c *Contents) scan(ctx context.Context, jobs int, want func(*wheel.Member) bool) error {
	var mu sync.Mutex
	err := c.Reader.ScanSome(ctx, jobs, want, c.visit(&mu))
	c.sort()
	return err
}

// visit returns what takes up one member of a scan.
func (c *Contents) visit(mu *sync.Mutex) func(*wheel.Member, io.Reader) error {
	return func(m *wheel.Member, content io.Reader) error {
		found, err := c.inspect(m, content)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			c.add(m, found)
		}
		return err
	}
}

// Amended returns the rows of RECORD that are not as they should be, sorted by member.
func (c *Contents) Amended() []wheel.Amendment { return c.amended }

// Record returns RECORD as it should be: with the amended rows.
func (c *Contents) Record() (*wheel.Record, error) {
	record, err := c.Reader.LenientRecord()
	if err != nil {
		return nil, err
	}
	return record.Amend(c.amended), nil
}

// A finding is what a member turned out to be: a binary, or of a kind that is
// named. The zero value is plain data.
type finding struct {
	binary linkage.Content
	kind   string
}

// add takes up what was found out about a member.
func (c *Contents) add(m *wheel.Member, found finding) {
	switch {
	case found.binary != nil:
		c.Files = append(c.Files, Binary{m, found.binary})
	case found.kind != "":
		c.Foreign = append(c.Foreign, newForeign(m.Name, found.kind))
	}
}

func (c *Contents) sort() {
	order.Stable(c.Files, func(a, b Binary) int { return cmp.Compare(a.Member.Name, b.Member.Name) })
	order.Stable(c.Foreign, func(a, b Foreign) int { return cmp.Compare(a.Path, b.Path) })
	for _, damaged := range c.damaged {
		order.Stable(damaged, func(a, b Fault) int { return cmp.Compare(a.File, b.File) })
	}
}

// magics are the first bytes of formats that are named, not read.
var magics = []struct{ magic, kind string }{
	{"!<arch>\n", "static archive"},
	{"!<thin>\n", "static archive"},
	{"\x00asm", "WebAssembly"},
}

// inspect reads a member as far as its format asks for: all of an image, a few
// bytes of anything else.
func (c *Contents) inspect(m *wheel.Member, content io.Reader) (finding, error) {
	head := make([]byte, min(m.Size, 64)) // no more: there may be very many members
	if _, err := io.ReadFull(content, head); err != nil {
		return finding{}, err
	}
	format := formatByHead(head)
	if format.fileReader == nil {
		kind := foreignKind(m.Name, head)
		if kind == notELF && c.forMacOS() {
			kind = "not Mach-O, in spite of its name"
		}
		return finding{kind: kind}, nil
	}
	image, err := c.store.Put(io.MultiReader(bytes.NewReader(head), content), m.Size)
	if err != nil {
		return finding{}, err
	}
	found, err := format.read(c, m.Name, image)
	if _, firm := format.recognizes(head); err != nil && format.damaged(err) && !calledBinary(m.Name) && !firm {
		// Four bytes do not make a binary of a data file.
		return finding{kind: "data that begins like " + article(format.name) + " " + format.name + " file"}, nil
	}
	return found, err
}

// of returns the binaries of a format, sorted by name.
func (c *Contents) of(format Format) []*Binary {
	var list []*Binary
	for i := range c.Files {
		if b := &c.Files[i]; formatOf(b.Content).Format == format {
			list = append(list, b)
		}
	}
	return list
}

// calledBinary reports whether a member has the name of a library or the place of a
// program, so that somebody is going to load it: damaged, it is an error. A dSYM
// bundle has a file for debuggers under the name of what it belongs to.
func calledBinary(member string) bool {
	if linkage.IsScript(member) {
		return true
	}
	base := strings.ToLower(path.Base(member))
	_, version, versioned := strings.Cut(base, ".so.")
	versioned = versioned && strings.Trim(version, "0123456789.") == ""
	return (versioned || path.Ext(base) == ".so" || path.Ext(base) == ".dylib" || calledWindowsLibrary(base)) && !inDSYM(member)
}

func inDSYM(member string) bool { return strings.Contains(member, ".dSYM/") }

// notPE is the kind of a file that has the name of a library of Windows.
const notPE = "not PE, in spite of its name"

// notELF is the kind of a file that is no library.
const notELF = "not ELF, in spite of its name"

// foreignKind names the format of a file that is in none of those that are read, "" for
// plain data.
func foreignKind(name string, head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case calledWindowsLibrary(name):
		return notPE
	case !strings.HasSuffix(name, ".so") || bytes.HasPrefix(head, []byte("#")):
		return ""
	case isLinkerScript(name, head):
		return "linker script"
	}
	return notELF
}

// isLinkerScript reports whether a file is text that ld reads in the place of a
// library, as development packages have it: libc.so, or libtbb.so of oneTBB.
func isLinkerScript(name string, head []byte) bool {
	if !strings.HasPrefix(path.Base(name), "lib") {
		return false
	}
	text := string(bytes.TrimLeft(head, " \t\r\n"))
	for _, command := range []string{"/* GNU ld script", "INPUT", "GROUP", "OUTPUT_FORMAT"} {
		if rest, ok := strings.CutPrefix(text, command); ok && (command[0] == '/' || strings.HasPrefix(strings.TrimLeft(rest, " \t"), "(")) {
			return true
		}
	}
	return false
}
