package petest

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// machines are the words for processors in a spec.
var machines = map[string]uint16{"x86": x86, "arm": arm, "x64": x64, "arm64": 0xaa64}

// Parse reads a spec on one line: the machine, then any of
//
//	needed=NAME[:SYMBOL+#ORDINAL...],...   imports
//	delay=NAME[:SYMBOL...],...             delay imports
//	export=SYMBOL[>FORWARDER],...          exports
//	flags=0x800                            DependentLoadFlags
//	linker=N  version=N                    minor versions of a linker and of a file 14
//	program  tight  signed  checksum
func Parse(args string) (Spec, error) {
	words := strings.Fields(args)
	if len(words) == 0 || machines[words[0]] == 0 {
		return Spec{}, fmt.Errorf("%q does not begin with a machine: x64, x86, arm64 or arm", args)
	}
	s := Spec{Machine: machines[words[0]]}
	for _, word := range words[1:] {
		if err := s.set(word); err != nil {
			return Spec{}, err
		}
	}
	return s, nil
}

func (s *Spec) set(word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	number := func(bits int) (n uint64) {
		n, err = strconv.ParseUint(value, 0, bits)
		return n
	}
	switch key {
	case "needed":
		s.Imports, err = parseImports(value)
	case "delay":
		s.Delay, err = parseImports(value)
	case "export":
		for e := range strings.SplitSeq(value, ",") {
			name, forward, _ := strings.Cut(e, ">")
			s.Exports = append(s.Exports, Export{name, forward})
		}
	case "flags":
		s.Flags = uint16(number(16))
	case "linker":
		s.Linker = uint8(number(8))
	case "version":
		s.Version = uint16(number(16))
	case "program":
		s.Program = true
	case "tight":
		s.Tight = true
	case "checksum":
		s.CheckSum = true
	case "signed":
		s.Signature = []byte("a certificate")
	default:
		err = fmt.Errorf("%q is no word of a PE spec", word)
	}
	return err
}

func parseImports(list string) ([]Import, error) {
	var all []Import
	for one := range strings.SplitSeq(list, ",") {
		name, symbols, _ := strings.Cut(one, ":")
		d := Import{Name: name}
		for symbol := range strings.SplitSeq(symbols, "+") {
			if number, ok := strings.CutPrefix(symbol, "#"); ok {
				n, err := strconv.ParseUint(number, 10, 16)
				if err != nil {
					return nil, err
				}
				d.Ordinals = append(d.Ordinals, uint16(n))
			} else if symbol != "" {
				d.Symbols = append(d.Symbols, symbol)
			}
		}
		all = append(all, d)
	}
	return all, nil
}

// version adds resources that hold nothing but the version of the file.
func (b *builder) version() {
	if b.spec.Version == 0 {
		return
	}
	b.align(4)
	start := b.rva()
	tree := make([]byte, 0, 3*24+16)
	for depth := range 3 {
		id, to := uint32(1), uint32(24*(depth+1))
		if depth == 0 {
			id = 16
		}
		if depth < 2 {
			to |= 1 << 31
		}
		head := make([]byte, 16)
		binary.LittleEndian.PutUint16(head[14:], 1)
		tree = append(append(tree, head...), u32(id, to)...)
	}
	info := make([]byte, 40, 92)
	info = append(info, u32(0xfeef04bd, 0x10000, 14<<16|uint32(b.spec.Version), 0)...)
	info = append(info, make([]byte, 36)...)
	tree = append(tree, u32(start+uint32(len(tree))+16, uint32(len(info)), 0, 0)...)
	b.add(append(tree, info...))
	b.dirs[2] = [2]uint32{start, b.rva() - start}
}
