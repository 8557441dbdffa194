package elftest

import (
	"debug/elf"
	"fmt"
	"strconv"
	"strings"
)

// Parse reads the text form of a Spec: an architecture as in [Arches], then
// words in any order, separated by spaces:
//
//	needed=A,B         DT_NEEDED, in this order
//	soname=NAME        DT_SONAME
//	rpath=PATHS        DT_RPATH
//	runpath=PATHS      DT_RUNPATH
//	import=SYM,...     imported functions; SYM is name[@VERSION[:LIBRARY]]
//	weak=SYM,...       weak imports
//	export=SYM,...     exported functions; SYM is name[@VERSION]
//	data=SYM,...       exported objects
//	need=LIBRARY:V+W   versions wanted of a library, besides those of imports
//	def=V,W            versions defined, besides those of exports
//	android=LEVEL      API level in a note of the NDK
//	isa=v3             ISA level needed, alone as GNU ld writes it: v1 v2 v3 v4
//	interp=PATH        PT_INTERP
//	type=KIND          dyn (the default) or exec
//	hash=KIND          gnu (the default), sysv, both, sysv32
//	bss=BYTES          size of .bss
//	spare=COUNT        spare DT_NULL entries
//	page=BYTES         p_align of each PT_LOAD
//	flags=NUMBER       e_flags
//	osabi=NUMBER       e_ident[EI_OSABI]
//	nosections         no section header table
//	symtab             .symtab, .strtab and .comment, as before strip
//	execstack          an executable stack
//	nostack            no PT_GNU_STACK
//	nodynamic          no PT_DYNAMIC
//	relr               a packed relative relocation (DT_RELR)
//	markplt            a marked jump slot (-z mark-plt, x86-64)
//	machine=NUMBER     e_machine, in the place of that of the architecture
//	class=BITS         32 or 64, likewise
//
// needed, import, weak, export, data, need and def may be given more than once.
// Numbers are decimal, or hexadecimal with 0x. An error names the word.
func Parse(line string) (Spec, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Spec{}, fmt.Errorf("no architecture: want one of %s first", strings.Join(Arches(), " "))
	}
	s, err := forArch(words[0])
	if err != nil {
		return Spec{}, err
	}
	for _, w := range words[1:] {
		if err := s.setWord(w); err != nil {
			return Spec{}, fmt.Errorf("%q: %w", w, err)
		}
	}
	if _, err := s.normalize(); err != nil {
		return Spec{}, err
	}
	return s, nil
}

func (s *Spec) setWord(word string) error {
	key, value, hasValue := strings.Cut(word, "=")
	if !hasValue {
		return s.setFlag(key)
	}
	if value == "" {
		return fmt.Errorf("no value")
	}
	if list, ok := map[string]func(string) error{
		"needed": func(v string) error { s.Needed = append(s.Needed, v); return nil },
		"def":    func(v string) error { s.Defs = append(s.Defs, v); return nil },
		"need":   s.addNeedWord,
		"import": func(v string) error { return s.addSymbol(v, Symbol{Func: true}) },
		"weak":   func(v string) error { return s.addSymbol(v, Symbol{Func: true, Weak: true}) },
		"export": func(v string) error { return s.addSymbol(v, Symbol{Func: true, Defined: true}) },
		"data":   func(v string) error { return s.addSymbol(v, Symbol{Defined: true}) },
	}[key]; ok {
		for item := range strings.SplitSeq(value, ",") {
			if item == "" {
				return fmt.Errorf("an empty item")
			}
			if err := list(item); err != nil {
				return err
			}
		}
		return nil
	}
	return s.setValue(key, value)
}

func (s *Spec) setFlag(name string) error {
	flag, ok := map[string]*bool{"nosections": &s.NoSections, "symtab": &s.Symtab, "execstack": &s.ExecStack,
		"nostack": &s.NoStack, "nodynamic": &s.NoDynamic, "relr": &s.Relr, "markplt": &s.MarkedPLT}[name]
	if !ok {
		return fmt.Errorf("unknown word")
	}
	*flag = true
	return nil
}

func (s *Spec) setValue(key, value string) error {
	if text, ok := map[string]*string{
		"soname": &s.Soname, "rpath": &s.RPath, "runpath": &s.RunPath, "interp": &s.Interp, "hash": (*string)(&s.Hash),
	}[key]; ok {
		*text = value
		return nil
	}
	switch key {
	case "isa":
		return choose(&s.ISA, value, map[string]uint32{"v1": 1 << 0, "v2": 1 << 1, "v3": 1 << 2, "v4": 1 << 3})
	case "android":
		return number(&s.Android, value)
	case "type":
		return choose(&s.Type, value, map[string]uint16{"dyn": uint16(elf.ET_DYN), "exec": uint16(elf.ET_EXEC)})
	case "bss":
		return number(&s.Bss, value)
	case "page":
		return number(&s.PageSize, value)
	case "flags":
		return number(&s.Flags, value)
	case "osabi":
		return number(&s.OSABI, value)
	case "machine":
		return number(&s.Machine, value)
	case "class":
		return number(&s.Class, value)
	case "spare":
		return number(&s.SpareDynamic, value)
	}
	return fmt.Errorf("unknown word")
}

func choose[T any](dst *T, value string, choices map[string]T) error {
	v, ok := choices[value]
	if !ok {
		return fmt.Errorf("unknown value %q", value)
	}
	*dst = v
	return nil
}

// number parses a value that fits T exactly.
func number[T byte | uint16 | uint32 | uint64 | int](dst *T, value string) error {
	n, err := strconv.ParseInt(value, 0, 64)
	if err != nil || n < 0 || int64(T(n)) != n {
		return fmt.Errorf("%q is no number of the right size", value)
	}
	*dst = T(n)
	return nil
}

// addSymbol adds kind with the name, version and library of a SYM word.
func (s *Spec) addSymbol(word string, kind Symbol) error {
	name, rest, versioned := strings.Cut(word, "@")
	version, library, _ := strings.Cut(rest, ":")
	switch {
	case name == "":
		return fmt.Errorf("symbol %q has no name", word)
	case versioned && version == "":
		return fmt.Errorf("symbol %q has no version after @", word)
	case kind.Defined && library != "":
		return fmt.Errorf("symbol %q is exported, which takes no library", word)
	}
	kind.Name, kind.Version, kind.Library = name, version, library
	s.Symbols = append(s.Symbols, kind)
	return nil
}

func (s *Spec) addNeedWord(word string) error {
	library, versions, ok := strings.Cut(word, ":")
	if !ok || library == "" || versions == "" {
		return fmt.Errorf("want LIBRARY:VERSION+VERSION, got %q", word)
	}
	for v := range strings.SplitSeq(versions, "+") {
		s.addNeed(library, v)
	}
	return nil
}
