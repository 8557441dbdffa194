package linkage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/pe"
)

// exports are what a PE image offers.
type exports struct {
	names    map[string]bool
	ordinals map[uint32]bool
	forwards map[string]string // the library that stands in, by name, and by ordinal as "#12"
}

// exported reads what the image exports, once.
func (i *Image) exported() (*exports, error) {
	if i.exports != nil {
		return i.exports, nil
	}
	table, err := i.PE().Exports()
	if err != nil {
		return nil, err
	}
	e := &exports{map[string]bool{}, map[uint32]bool{}, map[string]string{}}
	if table != nil {
		for _, s := range table.Symbols {
			e.ordinals[s.Ordinal] = true
			if s.Name != "" {
				e.names[s.Name] = true
			}
			if library, _, ok := cutForward(s.Forward); ok {
				e.forwards[cmp.Or(s.Name, fmt.Sprintf("#%d", s.Ordinal))] = strings.ToLower(library)
			}
		}
	}
	i.exports = e
	return e, nil
}

// addForwards adds the libraries that stand in for exports of the image: Windows loads one
// when such an export is imported (PE Format, Export Address Table).
func (i *Image) addForwards() error {
	table, err := i.PE().Exports()
	if err != nil || table == nil {
		return err
	}
	seen := map[string]bool{}
	for _, s := range table.Symbols {
		library, _, ok := cutForward(s.Forward)
		if base := strings.ToLower(library); ok && !seen[base] && i.Need(library) == nil {
			seen[base] = true
			i.Needs = append(i.Needs, &Need{Name: library, Kind: Forward})
		}
	}
	return budget.Check(i.Path, "libraries that an image imports or forwards to", len(i.Needs), maxNeeded)
}

// cutForward takes a forwarder apart: "LIBRARY.symbol", where the library has no extension
// if it is .dll.
func cutForward(forward string) (library, symbol string, ok bool) {
	dot := strings.LastIndexByte(forward, '.')
	if dot <= 0 {
		return "", "", false
	}
	library, symbol = forward[:dot], forward[dot+1:]
	if !strings.Contains(library, ".") {
		library += ".dll"
	}
	return library, symbol, true
}

// Lacks returns what an image imports from a library that was found, and that this one
// does not export, sorted: names, and ordinals as "#12". The error is that of a broken table.
func (i *Image) Lacks(n *Need) ([]string, error) { return i.lacks(n, n.To) }

func (i *Image) lacks(n *Need, to *Image) ([]string, error) {
	if n.Kind == Forward {
		return i.lacksForwarded(n, to)
	}
	has, err := to.exported()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to.Path, err)
	}
	var lacks []string
	for _, s := range i.importedFrom(n) {
		if s.Name == "" && !has.ordinals[uint32(s.Ordinal)] {
			lacks = append(lacks, fmt.Sprintf("#%d", s.Ordinal))
		} else if s.Name != "" && !has.names[s.Name] {
			lacks = append(lacks, s.Name)
		}
	}
	slices.Sort(lacks)
	return slices.Compact(lacks), nil
}

// importedFrom returns what the image imports by a need; all tables count that name it.
func (i *Image) importedFrom(n *Need) []pe.Symbol {
	read := i.PE().Imports
	if n.Kind == Delay {
		read = i.PE().DelayImports
	}
	imports, err := read()
	if err != nil {
		return nil // reported when the file was read
	}
	var symbols []pe.Symbol
	for _, d := range imports {
		if pe.SameName(d.Name, n.Name) {
			symbols = append(symbols, d.Symbols...)
		}
	}
	return symbols
}

// lacksForwarded is lacks for what an image forwards to a library.
func (i *Image) lacksForwarded(n *Need, to *Image) ([]string, error) {
	has, err := to.exported()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", to.Path, err)
	}
	table, err := i.PE().Exports()
	if err != nil || table == nil {
		return nil, err
	}
	var lacks []string
	for _, s := range table.Symbols {
		library, symbol, ok := cutForward(s.Forward)
		if ok && pe.SameName(library, n.Name) && !strings.HasPrefix(symbol, "#") && !has.names[symbol] {
			lacks = append(lacks, symbol)
		}
	}
	slices.Sort(lacks)
	return slices.Compact(lacks), nil
}

// Imported returns what an image takes from the library of a need: names, and ordinals as
// "#12", in the order of its tables.
func (i *Image) Imported(n *Need) []string {
	var names []string
	for _, s := range i.importedFrom(n) {
		if s.Name == "" {
			s.Name = fmt.Sprintf("#%d", s.Ordinal)
		}
		names = append(names, s.Name)
	}
	return names
}

// UsedForwards returns the needs of kind [Forward] that Windows follows: those behind an
// export that an image of the graph imports. The error is that of a broken table.
func (g *Graph) UsedForwards() (map[*Need]bool, error) {
	used := map[*Need]bool{}
	for _, image := range Images(g.Members, g.System) {
		for _, n := range image.Needs {
			if !n.IsFound() || n.Kind == Forward || len(n.To.Needs) == 0 {
				continue
			}
			has, err := n.To.exported()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", n.To.Path, err)
			}
			if len(has.forwards) == 0 {
				continue
			}
			for _, symbol := range image.Imported(n) {
				for _, forward := range n.To.Needs {
					if library := has.forwards[symbol]; library != "" && strings.EqualFold(forward.Name, library) {
						used[forward] = true
					}
				}
			}
		}
	}
	return used, nil
}
