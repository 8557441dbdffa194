package elf

import (
	"bytes"
	"context"
	"debug/elf"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

// namesWithVersions lists the dynamic symbols of a file, sorted: NAME@VERSION of LIBRARY.
func namesWithVersions(t testing.TB, f *File) []string {
	t.Helper()
	var all []string
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		text := s.Name
		if s.Version != "" {
			text += "@" + s.Version
		}
		if s.Library != "" {
			text += " of " + s.Library
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// neededVersions lists the version needs of a file.
func neededVersions(t testing.TB, f *File) []string {
	t.Helper()
	needs, err := f.VersionNeeds()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for _, n := range needs {
		for _, v := range n.Versions {
			text := n.Library + " " + v.Name
			if v.Weak {
				text += " weak"
			}
			all = append(all, text)
		}
	}
	slices.Sort(all)
	return all
}

func TestSymbolEdits(t *testing.T) {
	symbols := []string{"PyInit__core@V1", "bar@V2", "dep@DEP_1 of libdep.so.3", "free@GLIBC_2.2.5 of libc.so.6", "maybe", "memcpy@GLIBC_2.14 of libc.so.6", "plain", "table"}
	needs := []string{"libc.so.6 GLIBC_2.14", "libc.so.6 GLIBC_2.2.5", "libdep.so.3 DEP_1"}
	with := func(list []string, pairs ...string) []string {
		out := slices.Clone(list)
		for i := 0; i < len(pairs); i += 2 {
			at := slices.Index(out, pairs[i])
			if out[at] = pairs[i+1]; pairs[i+1] == "" {
				out = slices.Delete(out, at, at+1)
			}
		}
		slices.Sort(out)
		return out
	}
	for _, tt := range []struct {
		name           string
		edits          []Edit
		symbols, needs []string
	}{
		{"renamed", []Edit{RenameSymbol("memcpy", "__a_much_longer_name_than_there_is_room_for")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "__a_much_longer_name_than_there_is_room_for@GLIBC_2.14 of libc.so.6"), needs},
		{"renamed without a version", []Edit{RenameSymbol("plain", "bar2")}, with(symbols, "plain", "bar2"), needs},
		{"an older version that is there", []Edit{SetSymbolVersion("memcpy", "", "libc.so.6", "GLIBC_2.2.5")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "memcpy@GLIBC_2.2.5 of libc.so.6"), with(needs, "libc.so.6 GLIBC_2.14", "")},
		{"a version that is new", []Edit{SetSymbolVersion("memcpy", "GLIBC_2.14", "libc.so.6", "GLIBC_2.3.4")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "memcpy@GLIBC_2.3.4 of libc.so.6"), with(needs, "libc.so.6 GLIBC_2.14", "libc.so.6 GLIBC_2.3.4")},
		{"of a library that had none", []Edit{InsertNeeded("libnew.so.1", "libc.so.6"), SetSymbolVersion("memcpy", "", "libnew.so.1", "NEW_1"), RenameSymbol("memcpy", "__new_memcpy")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "__new_memcpy@NEW_1 of libnew.so.1"), with(needs, "libc.so.6 GLIBC_2.14", "libnew.so.1 NEW_1")},
		{"of a library that is renamed afterwards", []Edit{AddNeeded("libnew.so.1"), SetSymbolVersion("memcpy", "", "libnew.so.1", "NEW_1"), ReplaceNeeded("libnew.so.1", "libnewer.so.1")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "memcpy@NEW_1 of libnewer.so.1"), with(needs, "libc.so.6 GLIBC_2.14", "libnewer.so.1 NEW_1")},
		{"of a weak reference", []Edit{SetSymbolVersion("maybe", "", "libc.so.6", "GLIBC_2.3.4")}, with(symbols, "maybe", "maybe@GLIBC_2.3.4 of libc.so.6"), append(with(needs), "libc.so.6 GLIBC_2.3.4 weak")},
		{"a weak and a strong reference", []Edit{SetSymbolVersion("maybe", "", "libc.so.6", "GLIBC_2.3.4"), SetSymbolVersion("plain", "", "libc.so.6", "GLIBC_2.3.4")}, with(symbols, "maybe", "maybe@GLIBC_2.3.4 of libc.so.6", "plain", "plain@GLIBC_2.3.4 of libc.so.6"), append(with(needs), "libc.so.6 GLIBC_2.3.4")},
		{"no version", []Edit{ClearSymbolVersion("memcpy")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "memcpy"), with(needs, "libc.so.6 GLIBC_2.14", "")},
		{"no version of an export", []Edit{ClearSymbolVersion("bar")}, with(symbols, "bar@V2", "bar"), needs},
		{"no version at all", []Edit{ClearSymbolVersion("memcpy"), ClearSymbolVersion("free"), ClearSymbolVersion("dep")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "memcpy", "free@GLIBC_2.2.5 of libc.so.6", "free", "dep@DEP_1 of libdep.so.3", "dep"), []string{}},
		{"beside a library that goes", []Edit{SetSymbolVersion("memcpy", "", "libc.so.6", "GLIBC_2.2.5"), RemoveNeeded("libdep.so.3")}, with(symbols, "memcpy@GLIBC_2.14 of libc.so.6", "memcpy@GLIBC_2.2.5 of libc.so.6", "dep@DEP_1 of libdep.so.3", "dep"), []string{"libc.so.6 GLIBC_2.2.5"}},
		{"there and back", []Edit{RenameSymbol("memcpy", "x"), RenameSymbol("x", "memcpy"), SetSymbolVersion("free", "", "libc.so.6", "GLIBC_2.4"), SetSymbolVersion("free", "", "libc.so.6", "GLIBC_2.2.5")}, symbols, needs},
	} {
		slices.Sort(tt.needs)
		for _, arch := range elftest.Arches() {
			for name, trait := range traits() {
				t.Run(tt.name+"/"+arch+" "+name, func(t *testing.T) {
					f := open(t, arch+fullSpec+trait)
					after := edit(t, f, tt.edits...)
					if diff := cmp.Diff(tt.symbols, namesWithVersions(t, after)); diff != "" {
						t.Errorf("symbols (-want +got):\n%s", diff)
					}
					if diff := cmp.Diff(tt.needs, neededVersions(t, after)); diff != "" {
						t.Errorf("versions needed (-want +got):\n%s", diff)
					}
					checkNeedsSection(t, after)
					if err := after.checkEditable(); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// checkNeedsSection holds the header of .gnu.version_r and its records to each other.
func checkNeedsSection(t testing.TB, f *File) {
	t.Helper()
	needs, err := f.VersionNeeds()
	if err != nil {
		t.Fatal(err)
	}
	count, ok := f.DynValue(elf.DT_VERNEEDNUM)
	if int(count) != len(needs) || ok != (len(needs) > 0) {
		t.Errorf("DT_VERNEEDNUM is %d, there are %d", count, len(needs))
	}
	addr, _ := f.DynValue(elf.DT_VERNEED)
	for _, s := range f.Sections {
		size := 0
		for _, n := range needs {
			size += verneedSize + len(n.Versions)*vernauxSize
		}
		if s.Type == elf.SHT_GNU_VERNEED && (int(s.Info) != len(needs) || int(s.Size) != size || len(needs) > 0 && s.Addr != addr) {
			t.Errorf("section %s has %d records in %d bytes at %#x, want %d in %d at %#x", s.Name, s.Info, s.Size, s.Addr, len(needs), size, addr)
		}
	}
	for _, n := range needs {
		for _, v := range n.Versions {
			buf, err := f.read("hash", v.off, 4)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Order.Uint32(buf); got != sysvHashOf(v.Name) {
				t.Errorf("%s has the hash %#x, want %#x", v.Name, got, sysvHashOf(v.Name))
			}
		}
	}
}

func TestHashOfVersions(t *testing.T) {
	// What GNU ld writes into vna_hash.
	for name, want := range map[string]uint32{"GLIBC_2.2.5": 0x09691a75, "GLIBC_2.34": 0x069691b4, "": 0} {
		if got := sysvHashOf(name); got != want {
			t.Errorf("%q: %#x, want %#x", name, got, want)
		}
	}
}

func TestSymbolEditsThatAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, spec, want string
		edit             Edit
	}{
		{"not there", "x86_64" + fullSpec, "there is no dynamic symbol none", RenameSymbol("none", "x")},
		{"not of that version", "x86_64" + fullSpec, "there is no dynamic symbol memcpy@GLIBC_2.3", SetSymbolVersion("memcpy", "GLIBC_2.3", "libc.so.6", "GLIBC_2.2.5")},
		{"the file's own", "x86_64" + fullSpec, "the symbol bar is the file's own", RenameSymbol("bar", "x")},
		{"the file's own, of a version", "x86_64" + fullSpec, "the symbol bar is the file's own", SetSymbolVersion("bar", "", "libc.so.6", "GLIBC_2.2.5")},
		{"a library that is not needed", "x86_64" + fullSpec, "which the file does not need", SetSymbolVersion("memcpy", "", "libm.so.6", "GLIBC_2.2.5")},
		{"no versions", "x86_64 needed=libc.so.6 import=plain", "no versions of symbols (DT_VERSYM)", SetSymbolVersion("plain", "", "libc.so.6", "GLIBC_2.2.5")},
		{"a version that symbols have", "x86_64" + fullSpec, `the symbol "memcpy" has the version "GLIBC_2.14"`, RemoveVersionNeed("libc.so.6", "GLIBC_2.14")},
		{"a version that is not needed", "x86_64" + fullSpec, "the version GLIBC_2.30 of libc.so.6 is not needed", RemoveVersionNeed("libc.so.6", "GLIBC_2.30")},
		{"in front of nothing", "x86_64" + fullSpec, `"libm.so.6" is not needed`, InsertNeeded("libx.so", "libm.so.6")},
		{"an empty name", "x86_64" + fullSpec, "empty symbol name", RenameSymbol("memcpy", "")},
		{"a NUL in a version", "x86_64" + fullSpec, "NUL byte", SetSymbolVersion("memcpy", "", "libc.so.6", "A\x00B")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(t, tt.spec).Edit(context.Background(), tt.edit)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A file that defines versions and needs none gets its first need.
func TestTheFirstVersionNeed(t *testing.T) {
	for _, trait := range []string{"symtab", "spare=4", "nosections", "bss=5000"} {
		f := open(t, "x86_64 needed=libc.so.6 import=plain export=own@V1 "+trait)
		after := edit(t, f, SetSymbolVersion("plain", "", "libc.so.6", "GLIBC_2.2.5"))
		if got, want := neededVersions(t, after), []string{"libc.so.6 GLIBC_2.2.5"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", trait, got, want)
		}
		if got, want := namesWithVersions(t, after), []string{"own@V1", "plain@GLIBC_2.2.5 of libc.so.6"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", trait, got, want)
		}
	}
}

// A version that no symbol has goes alone; the others stay.
func TestMarksAreRemoved(t *testing.T) {
	f := open(t, "x86_64"+fullSpec+"need=libc.so.6:MARK_1")
	after := edit(t, f, RemoveVersionNeed("libc.so.6", "MARK_1"))
	if got, want := neededVersions(t, after), []string{"libc.so.6 GLIBC_2.14", "libc.so.6 GLIBC_2.2.5", "libdep.so.3 DEP_1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if diff := cmp.Diff(namesWithVersions(t, f), namesWithVersions(t, after)); diff != "" {
		t.Errorf("symbols (-was +is):\n%s", diff)
	}
}

// Forty changes of version leave no dead copies of the table behind.
func TestManySymbolEdits(t *testing.T) {
	for _, arch := range []string{"x86_64", "s390x", "armv7l"} {
		f := open(t, arch+fullSpec+"symtab")
		now := edit(t, f, SetSymbolVersion("memcpy", "", "libc.so.6", "A_VERSION_OF_SOME_LENGTH_0"), SetRPath(longPath))
		first := now.Size()
		for n := range 40 {
			now = edit(t, now, SetSymbolVersion("memcpy", "", "libc.so.6", fmt.Sprintf("A_VERSION_OF_SOME_LENGTH_%d", n%10)), SetSymbolVersion("free", "", "libc.so.6", fmt.Sprintf("B_%d", n%2)))
		}
		if grown := now.Size() - first; grown > 2048 {
			t.Errorf("%s: the file is %d bytes longer", arch, grown)
		}
	}
}

// relocationsOf lists the relocations of a file, with the addends that it holds.
func relocationsOf(t testing.TB, f *File) []relocation {
	t.Helper()
	var all []relocation
	if err := f.eachRelocation(func(r relocation) {
		if !r.explicit {
			r.addend, r.explicit = f.wordAt(r.target), true
		}
		all = append(all, r)
	}); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, compareRelocations)
	return all
}

// checkRelocationSections holds the section headers of relocation tables to the dynamic
// entries, and the place that the packed ones had to zeros.
func checkRelocationSections(t testing.TB, before, after *File) {
	t.Helper()
	form := after.relocationForm()
	addr, _ := after.DynValue(form.table)
	size, _ := after.DynValue(form.size)
	for i, s := range after.Sections {
		was := before.Sections[i]
		table, _ := before.DynValue(form.table)
		if packed, _ := before.DynValue(dtRelr); was.Type == shtRelr && was.Addr == packed {
			old, err := after.read(s.Name, s.Off, s.Size)
			if err != nil || len(bytes.Trim(old, "\x00")) > 0 {
				t.Errorf("%s holds %x (%v)", s.Name, old, err)
			}
		}
		if (was.Type == elf.SHT_RELA || was.Type == elf.SHT_REL) && was.Addr == table && before.has(form.table) && (s.Addr != addr || s.Size != size) {
			t.Errorf("%s is %#x bytes at %#x, the loader reads %#x at %#x", s.Name, s.Size, s.Addr, size, addr)
		}
		if off, ok := after.offsetOf(s.Addr, s.fileSize()); s.Alloc() && s.fileSize() > 0 && (!ok || off != s.Off) {
			t.Errorf("%s says that %#x lies at %#x", s.Name, s.Addr, s.Off)
		}
	}
}

func TestPackedRelocationsAreExpanded(t *testing.T) {
	for _, arch := range elftest.Arches() {
		for name, trait := range traits() {
			t.Run(arch+" "+name, func(t *testing.T) {
				f := open(t, arch+fullSpec+"relr need=libc.so.6:"+relrMark+" "+trait)
				if !f.PackedRelocations() {
					t.Fatal("the image has no packed relocations")
				}
				after := edit(t, f, ExpandRelr())
				if after.PackedRelocations() || after.has(dtRelr) || after.has(dtRelrEntry) {
					t.Error("they are still packed")
				}
				if diff := cmp.Diff(relocationsOf(t, f), relocationsOf(t, after), cmp.AllowUnexported(relocation{})); diff != "" {
					t.Errorf("relocations (-was +is):\n%s", diff)
				}
				form := after.relocationForm()
				if n, _ := after.DynValue(form.count); n == 0 {
					t.Error("no relative relocation is counted")
				}
				if explicit := arch != "i686" && arch != "armv7l"; after.has(elf.DT_RELA) != explicit || after.has(elf.DT_REL) == explicit {
					t.Error("they are not in the form of the machine")
				}
				checkRelocationSections(t, f, after)
				if slices.ContainsFunc(neededVersions(t, after), func(s string) bool { return strings.Contains(s, relrMark) }) {
					t.Error("the mark of packed relocations is still needed")
				}
				if diff := cmp.Diff(namesWithVersions(t, f), namesWithVersions(t, after)); diff != "" {
					t.Errorf("symbols (-was +is):\n%s", diff)
				}
				for _, s := range after.Sections {
					if s.Type == shtRelr {
						t.Errorf("section %s still says that it has packed relocations", s.Name)
					}
				}
				if again := edit(t, after, ExpandRelr()); again.Size() != after.Size() {
					t.Error("a second time changes the file")
				}
			})
		}
	}
}

// symbolSpans returns the address ranges that edits of symbols may change besides those
// of spans: the records of needed versions, and tables of relocations.
func symbolSpans(f *File) [][2]uint64 {
	var out [][2]uint64
	add := func(addr, n uint64) { out = append(out, [2]uint64{addr, addr + n}) }
	needs, _ := f.VersionNeeds()
	for _, n := range needs {
		for _, v := range n.Versions {
			if addr, ok := mappedAddr(f, v.off); ok {
				add(addr, vernauxSize)
			}
		}
	}
	for table, size := range map[elf.DynTag]elf.DynTag{elf.DT_RELA: elf.DT_RELASZ, elf.DT_REL: elf.DT_RELSZ, elf.DT_JMPREL: elf.DT_PLTRELSZ, dtRelr: dtRelrSize} {
		addr, _ := f.DynValue(table)
		n, _ := f.DynValue(size)
		add(addr, n)
	}
	return out
}

// symbolScript makes edits of symbols by a script: each byte chooses a symbol or an edit.
func symbolScript(f *File, script fuzzScript) []Edit {
	var names []string
	var versioned []VersionedName
	for s, err := range f.Symbols() {
		if err != nil {
			break
		}
		if s.Undefined() && s.Name != "" && len(names) < 64 {
			names = append(names, s.Name)
			versioned = append(versioned, VersionedName{s.Name, s.Library, s.Version})
		}
	}
	needed := append(f.Needed(), "libnone.so")
	var edits []Edit
	for len(script) > 0 && len(edits) < maxFuzzEdits {
		kind, n := script.next(), script.next()
		name, library := text("sym", n), needed[n%len(needed)]
		if len(names) > 0 {
			name = names[n%len(names)]
		}
		switch kind % 9 {
		case 0:
			edits = append(edits, RenameSymbol(name, text("renamed", n)))
		case 1:
			edits = append(edits, SetSymbolVersion(name, "", library, text("V", n%7)))
		case 2:
			edits = append(edits, ClearSymbolVersion(name))
		case 3:
			edits = append(edits, ExpandRelr())
		case 4:
			edits = append(edits, InsertNeeded(text("libin", n), library))
		case 5:
			edits = append(edits, SetRPath(text("/", n)))
		case 6:
			edits = append(edits, Strip())
		case 7:
			edits = append(edits, PlainPLT())
		case 8:
			var all []Redirection
			for i, from := range versioned {
				if i%(1+n%3) == 0 {
					all = append(all, Redirection{from, VersionedName{text("to", i), library, text("V", n%7)}})
				}
			}
			edits = append(edits, RedirectSymbols(all))
		}
	}
	return edits
}

// FuzzSymbols: an edit of symbols is refused in one clear line, or makes a sound image in
// which nothing else has changed.
func FuzzSymbols(f *testing.F) {
	scripts := [][]byte{{0, 1, 1, 0}, {1, 0, 1, 1, 3, 0}, {2, 0, 2, 1, 2, 2}, {3, 0, 6, 0}, {4, 0, 1, 2, 0, 0, 5, 90}, {8, 1, 7, 0}, {7, 0, 3, 0, 8, 0}}
	for i, data := range append(seeds(f), image(f, "x86_64"+fullSpec+"relr"), image(f, "armv7l"+fullSpec+"relr symtab"), image(f, "x86_64"+fullSpec+"relr markplt")) {
		f.Add(data, scripts[i%len(scripts)])
	}
	f.Fuzz(func(t *testing.T, data, script []byte) {
		before, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		edits := symbolScript(before, script)
		start := time.Now()
		o, err := before.Edit(context.Background(), edits...)
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(data))
		}
		if err != nil {
			if lines := strings.Count(err.Error(), "\n"); lines > 0 || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("the refusal has control characters: %q", err)
			}
			return
		}
		after, err := NewFile(o, o.Size())
		if err != nil {
			t.Fatalf("cannot read back what Edit wrote: %v", err)
		}
		if !before.Dynamic() {
			return
		}
		open := slices.Concat(spans(before), movedSpans(before, after), symbolSpans(before))
		if err := keptBut(before, after, open); err != nil {
			t.Error(err)
		}
	})
}

func compareRelocations(x, y relocation) int {
	return slices.Compare([]uint64{x.target, x.symbol, x.addend}, []uint64{y.target, y.symbol, y.addend})
}
