package macho

import (
	"cmp"
	"slices"
	"strings"
)

// An Import is a symbol that dyld binds to a library of its own choice
// (two-level namespace).
type Import struct {
	Symbol  string
	Library int  // index in [Slice.Dylibs]
	Weak    bool // it may be missing
	Lazy    bool // a function that is bound when it is called for the first time
}

const lazyBinds = "lazy bind opcodes"

// Imports returns the symbols that dyld binds to libraries, sorted by library and
// symbol: those of the chained fixups, or of the bind opcodes. Symbols that are
// looked up in all images, in the program or among weak definitions are not there.
func (s *Slice) Imports() ([]Import, error) {
	chained, err := s.chainedImports()
	if err != nil {
		return nil, s.locate(err)
	}
	var all []Import
	for _, x := range chained {
		all = append(all, Import{Symbol: x.symbol, Library: x.ordinal - 1, Weak: x.weak})
	}
	for _, what := range []string{"bind opcodes", lazyBinds} {
		data, off, err := s.extent(what)
		if err == nil {
			all, err = s.appendBound(all, data, off, what == lazyBinds)
		}
		if err != nil {
			return nil, s.locate(err)
		}
	}
	for _, x := range all {
		if x.Library >= len(s.Dylibs) {
			return nil, s.locate(formatErr(0, "%q is imported from library %d of %d", x.Symbol, x.Library+1, len(s.Dylibs)))
		}
	}
	slices.SortFunc(all, func(a, b Import) int {
		return cmp.Or(cmp.Compare(a.Library, b.Library), strings.Compare(a.Symbol, b.Symbol))
	})
	return slices.Compact(all), nil
}

// FlatImports returns the symbols that dyld looks for in all images of the process
// and not in a library of the slice's choice (flat namespace, -undefined
// dynamic_lookup), sorted. Extension modules get Python's own functions that way.
func (s *Slice) FlatImports() ([]string, error) {
	var names []string
	err := s.undefined(func(name string, ordinal int, _ int64) {
		if s.Flags&flagTwoLevel == 0 || ordinal == dynamicLookup {
			names = append(names, name)
		}
	})
	if err != nil {
		return nil, s.locate(err)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// appendBound appends what the opcodes bind to libraries, each symbol once for a
// library as long as its name is in force: it may be bound in a million places.
func (s *Slice) appendBound(all []Import, data []byte, off int64, lazy bool) ([]Import, error) {
	const weakImport = 0x1 // BIND_SYMBOL_FLAGS_WEAK_IMPORT
	library, symbol, weak := -1, "", false
	bound := map[int]int{} // the name, by where it begins, that was bound to a library last
	named := -1
	err := walkBinds(data, off, "bind opcodes", func(b bindOp) error {
		switch b.kind() {
		case opOrdinalSpecial:
			library = -1
		case opOrdinalImmediate:
			library = int(b.op&immediateMask) - 1
		case opOrdinalULEB:
			n, _ := uleb(data[b.arg:])
			library = int(min(n, 1<<30)) - 1
		case opSymbol:
			symbol, weak, named = b.name, b.op&weakImport != 0, b.at
		case opBind, opBindAddULEB, opBindAddScaled, opBindTimes:
			last, known := bound[library]
			switch {
			case library < 0 || known && last == named:
			case library >= len(s.Dylibs):
				return formatErr(off+int64(b.at), "%q is imported from library %d of %d", symbol, library+1, len(s.Dylibs))
			default:
				bound[library] = named
				all = append(all, Import{symbol, library, weak, lazy})
			}
		}
		return checkImports(len(all), off+int64(b.at))
	})
	return all, err
}

// Exports answers which symbols a slice exports.
type Exports struct {
	trie []byte
	off  int64 // of the trie in the slice
	s    *Slice
	read int
}

// Read returns how many bytes of the trie have been read so far, by every
// [Exports.Lookup]: each goes along the nodes on its way.
func (e *Exports) Read() int { return e.read }

// Exports reads the export trie. It is nil for an image of before 2009, which has
// none.
func (s *Slice) Exports() (*Exports, error) {
	if !slices.ContainsFunc(s.commands, func(c command) bool { return exporting[c.cmd] }) {
		return nil, nil
	}
	trie, off, err := s.extent("export trie")
	if err != nil {
		return nil, s.locate(err)
	}
	return &Exports{trie: trie, off: off, s: s}, nil
}

// An Export is a symbol that a slice exports.
type Export struct {
	Symbol  string
	Library int    // index in [Slice.Dylibs] of the library that it is re-exported from, -1 for its own
	Name    string // of the symbol in that library
}

// Lookup walks the trie along the symbol, as dyld does (MachOLoaded::trieWalk). It
// returns nil for one that is not exported.
func (e *Exports) Lookup(symbol string) (*Export, error) {
	if len(e.trie) == 0 {
		return nil, nil
	}
	at, rest, most := 0, symbol, e.read+len(e.trie)
	for range 2*len(symbol) + 2 { // a circle of edges without letters has no end
		if e.read > most {
			return nil, nil // nodes are met again: another circle
		}
		var n trieNode
		children, err := n.read(e.trie, at, e.off)
		if err != nil {
			return nil, e.s.locate(err)
		}
		e.read += n.length
		if rest == "" && len(n.terminal) > 0 {
			return e.export(symbol, &n)
		}
		// ld64 writes an edge without letters to a symbol that begins others.
		next := slices.IndexFunc(n.edges, func(edge trieEdge) bool { return strings.HasPrefix(rest, edge.label) })
		if next < 0 {
			return nil, nil
		}
		at, rest = children[next], rest[len(n.edges[next].label):]
	}
	return nil, nil
}

// export reads what a node says of its symbol.
func (e *Exports) export(symbol string, n *trieNode) (*Export, error) {
	own := &Export{Symbol: symbol, Library: -1, Name: symbol}
	flags, size := uleb(n.terminal)
	if size == 0 || flags&exportReexport == 0 {
		return own, nil
	}
	ordinal, length := uleb(n.terminal[size:])
	if length == 0 || ordinal > uint64(len(e.s.Dylibs)) {
		return nil, e.s.locate(formatErr(e.off+int64(n.at), "export trie: %q is exported out of library %d of %d", symbol, ordinal, len(e.s.Dylibs)))
	}
	if ordinal == 0 {
		return own, nil
	}
	return &Export{symbol, int(ordinal) - 1, cmp.Or(cString(n.terminal[size+length:]), symbol)}, nil
}
