package lower

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/policy"
)

//go:embed data
var files embed.FS

// Archs returns the architectures that have a table.
func Archs() []policy.Arch {
	return []policy.Arch{policy.X86_64, policy.I686, policy.AARCH64, policy.ARMV7L, policy.PPC64LE, policy.S390X, policy.RISCV64}
}

// A Table is what stands in for newer symbols on one architecture.
type Table struct {
	arch policy.Arch
	rows map[Symbol][]Row // by name and version, the best first
}

var tables sync.Map // of *Table, by architecture

// For returns the table of an architecture, nil if there is none.
func For(arch policy.Arch) *Table {
	if !slices.Contains(Archs(), arch) {
		return nil
	}
	if t, ok := tables.Load(arch); ok {
		return t.(*Table)
	}
	t, _ := tables.LoadOrStore(arch, newTable(arch))
	return t.(*Table)
}

// parts are the libraries of glibc but for its mathematics: code has moved between them, so
// that a file may ask any of them for a symbol.
var parts = []string{"libc.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1"}

// Find returns what stands in for a symbol, the best first: the same code, the nearest
// version first, then what differs, then the compatibility library. None means that
// nothing is known.
func (t *Table) Find(s Symbol) []Row {
	var found []Row
	for _, row := range t.rows[Symbol{Name: s.Name, Version: s.Version}] {
		if s.Library == row.From.Library || slices.Contains(parts, s.Library) && slices.Contains(parts, row.From.Library) {
			row.From = s
			found = append(found, row)
		}
	}
	return found
}

// Always returns what replaces a symbol in every file that is lowered, though older C
// libraries have it: they answer wrongly.
func (t *Table) Always(s Symbol) (Row, bool) {
	for _, row := range t.Find(Symbol{Name: s.Name, Library: s.Library, Version: always}) {
		row.From = s
		return row, true
	}
	return Row{}, false
}

// always stands in the place of a version in compat.txt.
const always = "always"

// Rows returns all rows of the table, in no order.
func (t *Table) Rows() []Row {
	var all []Row
	for _, rows := range t.rows {
		all = append(all, rows...)
	}
	return all
}

func newTable(arch policy.Arch) *Table {
	t := &Table{arch: arch, rows: map[Symbol][]Row{}}
	notes := map[Symbol]Curated{}
	for _, c := range curated() {
		for _, pair := range c.Names {
			name, _, _ := strings.Cut(pair, "=")
			notes[Symbol{Name: name, Version: c.Version}] = c
		}
	}
	t.read(string(arch)+".txt", notes)
	t.readCompat()
	rank := []Class{Same, Rename, Older, Compat}
	for _, rows := range t.rows {
		order.Stable(rows, func(a, b Row) int {
			if a.Class != b.Class {
				return slices.Index(rank, a.Class) - slices.Index(rank, b.Class)
			}
			return policy.CompareVersions(b.To.Version, a.To.Version)
		})
	}
	return t
}

// lines returns the lines of a file without comments and empty ones.
func lines(name string) []string {
	data, err := fs.ReadFile(files, "data/"+name)
	if err != nil {
		panic(err) // embedded
	}
	var kept []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimRight(line, "\n"); line != "" && !strings.HasPrefix(line, "#") {
			kept = append(kept, line)
		}
	}
	return kept
}

func (t *Table) add(row Row) {
	key := Symbol{Name: row.From.Name, Version: row.From.Version}
	t.rows[key] = append(t.rows[key], row)
}

// read reads the file of an architecture: see the head that scripts/lowering-table writes.
func (t *Table) read(name string, notes map[Symbol]Curated) {
	var heading [5]string
	for _, line := range lines(name) {
		words := strings.Fields(line)
		if !strings.HasPrefix(line, " ") {
			if copy(heading[:], words) != len(heading) {
				panic(fmt.Sprintf("%s: %q is no heading", name, line))
			}
			continue
		}
		for _, pair := range words {
			from, to, renamed := strings.Cut(pair, "=")
			if !renamed {
				to = from
			}
			row := Row{From: Symbol{from, heading[0], heading[1]}, To: Symbol{to, heading[3], heading[4]}, Class: Class(heading[2])}
			if row.Class != Same {
				c := notes[Symbol{Name: from, Version: row.From.Version}]
				row.Note, row.Source = c.Note, c.Source
			}
			t.add(row)
		}
	}
}

// A Curated is a choice by hand: what stands in for symbols of one version, and what
// differs.
type Curated struct {
	Class        Class
	Version      string
	Names        []string // NAME, or NAME=OTHER
	Note, Source string
}

// Choices returns the choices by hand.
func Choices() []Curated { return slices.Clone(curated()) }

var curated = sync.OnceValue(func() []Curated {
	var all []Curated
	for _, line := range lines("curated.txt") {
		words := strings.Fields(line)
		switch last := len(all) - 1; {
		case !strings.HasPrefix(line, " "):
			all = append(all, Curated{Class: Class(words[0]), Version: words[1]})
		case words[0] == "note:":
			all[last].Note = strings.Join(words[1:], " ")
		case words[0] == "source:":
			all[last].Source = strings.Join(words[1:], " ")
		default:
			all[last].Names = append(all[last].Names, words...)
		}
	}
	return all
})

// A grown function takes arguments that older C libraries do not know, under a version
// that they have.
type grown struct{ note, source string }

var grownFunctions = sync.OnceValue(func() map[string]grown {
	all := map[string]grown{}
	var names []string
	var g grown
	for _, line := range lines("grown.txt") {
		words := strings.Fields(line)
		switch {
		case !strings.HasPrefix(line, " "):
			names, g = words, grown{}
			continue
		case words[0] == "note:":
			g.note = strings.Join(words[1:], " ")
		case words[0] == "source:":
			g.source = strings.Join(words[1:], " ")
		}
		for _, name := range names {
			all[name] = g
		}
	}
	return all
})

// Grown tells what older C libraries do not know of the arguments of a symbol that they
// have.
func (t *Table) Grown(s Symbol) (note, source string, ok bool) {
	g, ok := grownFunctions()[s.Name]
	return g.note, g.source, ok && (slices.Contains(parts, s.Library) || s.Library == "")
}
