package macho

import "github.com/blacktop/go-macho/types"

// A trieNode is a node of an export trie: what the symbol that ends here is, and
// the edges to longer names (<mach-o/loader.h>, "export information").
type trieNode struct {
	terminal []byte // flags, address and so on; empty if no symbol ends here
	at       int    // of the terminal in the trie
	edges    []trieEdge
	off      int // of the node in the trie that is written
	length   int // bytes that it had in the trie that was read
}

type trieEdge struct {
	label string
	child *trieNode
}

// Flags of an exported symbol (EXPORT_SYMBOL_FLAGS_…).
const (
	exportKindMask     = 0x03
	exportAbsolute     = 0x02
	exportReexport     = 0x08
	exportStubResolver = 0x10
	exportKnown        = 0x1f
)

// exporting lists the load commands that have room for an export trie.
var exporting = map[types.LoadCmd]bool{types.LC_DYLD_INFO: true, types.LC_DYLD_INFO_ONLY: true, types.LC_DYLD_EXPORTS_TRIE: true}

// maxTrieNodes bounds the nodes of a trie that is taken apart: each is kept. There is one
// or two for each symbol, of which the largest files on PyPI have some hundred thousand.
const maxTrieNodes = 1 << 21

// readTrie reads an export trie, whose nodes are returned in the order in which
// they are met.
func readTrie(data []byte, off int64) ([]*trieNode, error) {
	if len(data) == 0 {
		return nil, nil
	}
	root := &trieNode{}
	nodes, places := []*trieNode{root}, []int{0}
	seen := map[int]bool{0: true}
	for i := 0; i < len(nodes); i++ {
		if len(nodes) > maxTrieNodes {
			return nil, formatErr(off, "export trie: more than %d nodes, which no real file needs", maxTrieNodes)
		}
		children, err := nodes[i].read(data, places[i], off)
		if err != nil {
			return nil, err
		}
		for k, at := range children {
			if seen[at] {
				return nil, formatErr(off+int64(places[i]), "export trie: two edges lead to the node at %#x", at)
			}
			seen[at] = true
			nodes[i].edges[k].child = &trieNode{}
			nodes, places = append(nodes, nodes[i].edges[k].child), append(places, at)
		}
	}
	return nodes, nil
}

// read reads a node and returns where its children are.
func (n *trieNode) read(data []byte, at int, off int64) ([]int, error) {
	if at < 0 || at >= len(data) {
		return nil, formatErr(off, "export trie: a node at %#x is outside its %#x bytes", at, len(data))
	}
	cut := func() error { return formatErr(off+int64(at), "export trie: the node at %#x is cut off", at) }
	length, size := uleb(data[at:])
	n.at = at + size
	if size == 0 || length >= uint64(len(data)-n.at) {
		return nil, cut()
	}
	n.terminal = data[n.at : n.at+int(length)]
	i := n.at + int(length)
	count := int(data[i])
	i++
	var children []int
	for range count {
		label := cString(data[i:])
		if i += len(label) + 1; i >= len(data) {
			return nil, cut()
		}
		child, size := uleb(data[i:])
		if size == 0 || child >= uint64(len(data)) {
			return nil, cut()
		}
		i += size
		n.edges = append(n.edges, trieEdge{label: label})
		children = append(children, int(child))
		if i > len(data) {
			return nil, cut()
		}
	}
	n.length = i - at
	return children, nil
}

// appendTrie writes a trie. The size of an offset depends on its value, so the
// nodes are placed again until nothing moves.
func appendTrie(b []byte, nodes []*trieNode) []byte {
	for moved := true; moved; {
		moved = false
		at := 0
		for _, n := range nodes {
			moved = moved || n.off != at
			n.off = at
			at += n.size()
		}
	}
	for _, n := range nodes {
		b = appendULEB(b, uint64(len(n.terminal)))
		b = append(append(b, n.terminal...), byte(len(n.edges)))
		for _, e := range n.edges {
			b = append(append(b, e.label...), 0)
			b = appendULEB(b, uint64(e.child.off))
		}
	}
	return b
}

// size returns the size of a node in bytes, with its children where they are.
func (n *trieNode) size() int {
	size := sizeULEB(uint64(len(n.terminal))) + len(n.terminal) + 1
	for _, e := range n.edges {
		size += len(e.label) + 1 + sizeULEB(uint64(e.child.off))
	}
	return size
}

func sizeULEB(n uint64) int {
	size := 1
	for ; n > 0x7f; n >>= 7 {
		size++
	}
	return size
}

// moveExports corrects the addresses in the export trie, which count from the
// header.
func (h *shift) moveExports() error {
	data, off, err := h.s.extent("export trie")
	if err != nil || len(data) == 0 {
		return err
	}
	nodes, err := readTrie(data, off)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if err := h.moveExport(n, off); err != nil {
			return err
		}
	}
	now := appendTrie(nil, nodes)
	for len(now) < len(data) {
		now = append(now, 0)
	}
	h.replace(off, data, now)
	return nil
}

// moveExport corrects the addresses of one symbol.
func (h *shift) moveExport(n *trieNode, off int64) error {
	if len(n.terminal) == 0 {
		return nil
	}
	cut := formatErr(off+int64(n.at), "export trie: a symbol is cut off")
	flags, size := uleb(n.terminal)
	if size == 0 {
		return cut
	}
	if flags&^exportKnown != 0 {
		return refuseShift(off+int64(n.at), "a symbol is exported with flags %#x", flags)
	}
	if flags&exportReexport != 0 || flags&exportKindMask == exportAbsolute {
		return nil
	}
	addresses := 1
	if flags&exportStubResolver != 0 {
		addresses = 2
	}
	now := appendULEB(nil, flags)
	rest := n.terminal[size:]
	for range addresses {
		v, size := uleb(rest)
		if size == 0 {
			return cut
		}
		if h.moves(h.base + v) {
			v += uint64(h.delta)
		}
		now, rest = appendULEB(now, v), rest[size:]
	}
	n.terminal = append(now, rest...)
	return nil
}

// trieImports reads the ordinals of symbols that are exported out of another
// library.
func (s *Slice) trieImports() ([]imported, error) {
	data, off, err := s.extent("export trie")
	if err != nil {
		return nil, err
	}
	nodes, err := readTrie(data, off)
	if err != nil {
		return nil, err
	}
	var all []imported
	for _, n := range nodes {
		flags, size := uleb(n.terminal)
		if size == 0 || flags&exportReexport == 0 {
			continue
		}
		ordinal, length := uleb(n.terminal[size:])
		if length == 0 {
			return nil, formatErr(off+int64(n.at), "export trie: a symbol is cut off")
		}
		name := cString(n.terminal[size+length:])
		if ordinal == 0 || ordinal > maxLibraryOrdinal {
			continue
		}
		if err := checkImports(len(all)+1, off+int64(n.at)); err != nil {
			return nil, err
		}
		all = append(all, imported{name, int(ordinal), off + int64(n.at+size), length, func(n int) []byte { return paddedULEB(n, length) }, false})
	}
	return all, nil
}
