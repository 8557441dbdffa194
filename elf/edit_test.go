package elf

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const longPath = "$ORIGIN/../../a.very.long.folder.name.that.fits.in.no.room/demo.libs:$ORIGIN"

// texts lists the string entries of the dynamic table, in their order.
func texts(f *File) []string {
	names := f.dynamic.strings.probes()
	var got []string
	for i, e := range f.DynEntries() {
		if name, ok := stringTags[e.Tag]; ok {
			s, err := names.get(e.Val, name, f.entryOff(i))
			if err != nil {
				s = err.Error()
			}
			got = append(got, strings.TrimPrefix(name, "DT_")+" "+s)
		}
	}
	return got
}

func TestEdits(t *testing.T) {
	before := []string{"NEEDED liba.so.1", "NEEDED libdep.so.3", "NEEDED libc.so.6", "SONAME libx.so.1", "RUNPATH $ORIGIN/../lib"}
	replaced := func(old, now string) []string {
		after := slices.Clone(before)
		after[slices.Index(after, old)] = now
		return after
	}
	without := func(old string) []string {
		return slices.DeleteFunc(slices.Clone(before), func(s string) bool { return s == old })
	}
	for _, tt := range []struct {
		name  string
		edits []Edit
		want  []string
	}{
		{"short rpath takes the place of the runpath", []Edit{SetRPath("$ORIGIN")}, replaced("RUNPATH $ORIGIN/../lib", "RPATH $ORIGIN")},
		{"long rpath", []Edit{SetRPath(longPath)}, replaced("RUNPATH $ORIGIN/../lib", "RPATH "+longPath)},
		{"runpath", []Edit{SetRunPath(longPath)}, replaced("RUNPATH $ORIGIN/../lib", "RUNPATH "+longPath)},
		{"the last of two wins", []Edit{SetRPath("/a"), SetRunPath("/b")}, replaced("RUNPATH $ORIGIN/../lib", "RUNPATH /b")},
		{"no search path", []Edit{RemoveRPath()}, without("RUNPATH $ORIGIN/../lib")},
		{"no entry that is there is added again", []Edit{AddRPath("$ORIGIN/../lib")}, before},
		{"added entries come last", []Edit{AddRPath("/b:$ORIGIN/../lib:/c")}, replaced("RUNPATH $ORIGIN/../lib", "RUNPATH $ORIGIN/../lib:/b:/c")},
		{"added to the one that was set", []Edit{SetRPath("/a"), AddRPath("/b")}, replaced("RUNPATH $ORIGIN/../lib", "RPATH /a:/b")},
		{"removed and added again", []Edit{RemoveRPath(), AddRPath("/a")}, append(without("RUNPATH $ORIGIN/../lib")[:3:3], "RPATH /a", "SONAME libx.so.1")},
		{"one entry of three", []Edit{SetRunPath("/a:/b:/c"), RemoveRPathEntry("/b")}, replaced("RUNPATH $ORIGIN/../lib", "RUNPATH /a:/c")},
		{"the empty entry", []Edit{SetRunPath("/a::/c"), RemoveRPathEntry("")}, replaced("RUNPATH $ORIGIN/../lib", "RUNPATH /a:/c")},
		{"the last entry takes its tag along", []Edit{RemoveRPathEntry("$ORIGIN/../lib")}, without("RUNPATH $ORIGIN/../lib")},
		{"added and removed", []Edit{AddRPath("/b"), RemoveRPathEntry("/b")}, before},
		{"soname", []Edit{SetSoname("libx-01234567.so.1")}, replaced("SONAME libx.so.1", "SONAME libx-01234567.so.1")},
		{"needed keeps its place", []Edit{ReplaceNeeded("libdep.so.3", "libdep-01234567.so.3")}, replaced("NEEDED libdep.so.3", "NEEDED libdep-01234567.so.3")},
		{"added needed comes first", []Edit{AddNeeded("libnew.so")}, append([]string{"NEEDED libnew.so"}, before...)},
		{"needed already", []Edit{AddNeeded("libc.so.6")}, before},
		{"removed needed", []Edit{RemoveNeeded("liba.so.1")}, without("NEEDED liba.so.1")},
		{"removed needed with versions", []Edit{RemoveNeeded("libdep.so.3")}, without("NEEDED libdep.so.3")},
		{"removed and added", []Edit{RemoveNeeded("liba.so.1"), AddNeeded("liba.so.1")}, before},
		{"replaced twice", []Edit{ReplaceNeeded("liba.so.1", "libb"), ReplaceNeeded("libb", "libc")}, replaced("NEEDED liba.so.1", "NEEDED libc")},
		{"a name that is the tail of another", []Edit{SetSoname("so.3")}, replaced("SONAME libx.so.1", "SONAME so.3")},
	} {
		for _, arch := range []string{"x86_64", "i686", "s390x", "ppc64le", "armv7l"} {
			for _, trait := range []string{"", "spare=4", "nosections", "bss=4000000 symtab"} {
				t.Run(tt.name+"/"+arch+" "+trait, func(t *testing.T) {
					f := open(t, arch+" needed=liba.so.1"+fullSpec+trait)
					after := edit(t, f, tt.edits...)
					if diff := cmp.Diff(tt.want, texts(after)); diff != "" {
						t.Errorf("dynamic strings (-want +got):\n%s", diff)
					}
					checkTables(t, f, after)
				})
			}
		}
	}
}

func TestEditsThatAddEntries(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		after := edit(t, f, RemoveRPath())
		after = edit(t, after, AddNeeded("libone.so"), AddNeeded("libtwo.so"), AddNeeded("libthree.so"), AddNeeded("libfour.so"), SetRPath(longPath))
		want := []string{"libfour.so", "libthree.so", "libtwo.so", "libone.so", "libdep.so.3", "libc.so.6"}
		if !slices.Equal(after.Needed(), want) || after.RPath() != longPath {
			t.Errorf("needed = %q, rpath = %q", after.Needed(), after.RPath())
		}
		checkTables(t, f, after)
		for _, s := range after.Sections {
			if s.Type == elf.SHT_DYNAMIC && s.Addr != after.dynamic.addr {
				t.Errorf(".dynamic says address %#x, PT_DYNAMIC %#x", s.Addr, after.dynamic.addr)
			}
		}
	})
}

func TestEditOfWhatIsNotThere(t *testing.T) {
	loader := open(t, "x86_64 soname=ld.so data=_rtld_global")
	library, program := open(t, "x86_64"+fullSpec), open(t, "x86_64 type=exec interp=/lib/ld.so needed=libc.so.6")
	static, object := headerOnly(t, elf.ET_EXEC), headerOnly(t, elf.ET_REL)
	pie := open(t, "x86_64 interp=/lib/ld.so needed=libc.so.6")
	pie.dynamic.entries = append(pie.dynamic.entries, Dyn{elf.DT_FLAGS_1, uint64(elf.DF_1_PIE)})
	pie.dynamic.last[elf.DT_FLAGS_1] = len(pie.dynamic.entries) - 1
	for _, tt := range []struct {
		name string
		f    *File
		edit Edit
		want string
	}{
		{"replace", library, ReplaceNeeded("libz.so", "a"), `"libz.so" is not needed: the file needs libdep.so.3, libc.so.6`},
		{"remove", library, RemoveNeeded("libz.so"), `"libz.so" is not needed`},
		{"interpreter of a library", library, SetInterpreter("/lib/ld.so"), "no interpreter"},
		{"soname of a program", program, SetSoname("a"), "has no soname"},
		{"empty rpath", library, SetRPath(""), "empty search path"},
		{"NUL", library, AddNeeded("a\x00b"), `"a\x00b" has a NUL byte`},
		{"soname of a position-independent program", pie, SetSoname("a"), "a program has no soname"},
		{"added empty path", library, AddRPath(""), "empty search path"},
		{"entry that is not there", library, RemoveRPathEntry("/x"), `"/x" is not in the search path, which is $ORIGIN/../lib`},
		{"entry of no search path", program, RemoveRPathEntry("/x"), `"/x" is not in the search path: the file has none`},
		{"rpath of a loader", loader, SetRPath("/a"), "the loader has no search path"},
		{"runpath entry of a loader", loader, AddRPath("/a"), "the loader has no search path"},
		{"longer soname of a loader", loader, SetSoname("ld-with-a-longer-name-than-before.so"), "behind the .bss of the loader"},
		{"no dynamic table", static, SetRPath("/x"), ErrNotDynamic.Error()},
		{"no dynamic table to add to", static, AddRPath("/x"), ErrNotDynamic.Error()},
		{"no dynamic table to remove from", static, RemoveRPathEntry("/x"), ErrNotDynamic.Error()},
		{"strip without segments", static, Strip(), "without program headers cannot be stripped"},
		{"object file", object, SetRPath("/x"), "e_type is ET_REL: an object file"},
		{"core dump", headerOnly(t, elf.ET_CORE), Strip(), "e_type is ET_CORE: a core dump"},
		{"unknown type", headerOnly(t, elf.ET_LOPROC), Strip(), "e_type is ET_LOPROC"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.f.Edit(context.Background(), tt.edit)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %q", err, tt.want)
			}
		})
	}
	if _, err := static.Edit(context.Background(), SetRPath("/x")); !errors.Is(err, ErrNotDynamic) {
		t.Errorf("error is %v, want ErrNotDynamic", err)
	}
}

// headerOnly is an ELF header and nothing else, of a file of that type.
func headerOnly(t *testing.T, kind elf.Type) *File {
	data := image(t, "x86_64 nosections")[:ehdrSize64]
	clear(data[atPhoff:][:8])
	clear(data[atPhnum:][:2])
	binary.LittleEndian.PutUint16(data[0x10:], uint16(kind))
	return parse(t, data)
}

func TestNoEditKeepsTheBytes(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		for name, edits := range map[string][]Edit{
			"no edit":        nil,
			"what it says":   {SetSoname("libx.so.1"), SetRunPath("$ORIGIN/../lib"), AddNeeded("libc.so.6"), ReplaceNeeded("libc.so.6", "libc.so.6")},
			"back and forth": {AddRPath("/a"), RemoveRPathEntry("/a"), ReplaceNeeded("libdep.so.3", "a"), ReplaceNeeded("a", "libdep.so.3"), SetSoname("b"), SetSoname("libx.so.1")},
		} {
			if f.Type != elf.ET_DYN {
				continue
			}
			if path, err := f.Interpreter(); err == nil && path != "" {
				edits = append(edits, SetInterpreter("/elsewhere"), SetInterpreter(path))
			}
			o, err := f.Edit(context.Background(), edits...)
			if err != nil {
				t.Fatal(err)
			}
			if got := contents(t, o); o.Edited() || !slices.Equal(got, bytesOf(t, f)) {
				t.Errorf("%s: edited = %v, %d bytes of %d", name, o.Edited(), o.Size(), f.Size())
			}
		}
	})
}

func TestEditAndItsInverse(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		there := edit(t, f, ReplaceNeeded("libdep.so.3", "libdep-longer-than-before.so.3"), SetRPath(longPath), AddNeeded("libnew.so"))
		back := edit(t, there, ReplaceNeeded("libdep-longer-than-before.so.3", "libdep.so.3"), SetRunPath("$ORIGIN/../lib"), RemoveNeeded("libnew.so"))
		if diff := cmp.Diff(texts(f), texts(back)); diff != "" {
			t.Errorf("dynamic strings (-before +after):\n%s", diff)
		}
		checkTables(t, f, back)
	})
}

func TestManyEditsDoNotPileUp(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		now := edit(t, f, SetRPath(longPath), AddNeeded("lib0.so"))
		first := now.Size()
		for i := range 10 {
			path := longPath[:len(longPath)-i%3] + strings.Repeat("x", i)
			now = edit(t, now, SetRPath(path), AddNeeded("lib"+strings.Repeat("y", i)+".so"))
		}
		if grown := now.Size() - first; grown > 4096 {
			t.Errorf("ten edits made the file %d bytes longer, after the first, to %d", grown, now.Size())
		}
		there := now.Size()
		for range 5 {
			now = edit(t, now, SetRPath("$ORIGIN/short"))
			now = edit(t, now, SetRPath("$ORIGIN/not/so/short/any/more:$ORIGIN/../lib"))
		}
		if now.Size() > there {
			t.Errorf("edits back and forth made the file %d bytes longer", now.Size()-there)
		}
		checkTables(t, f, now)
	})
}

func TestVersionNeedsFollow(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		after := edit(t, f, ReplaceNeeded("libdep.so.3", "libdep-01234567.so.3"))
		if got, want := spelled(t, after)["dep"], "STB_GLOBAL STT_FUNC of libdep-01234567.so.3@DEP_1"; got != want {
			t.Errorf("dep is %q, want %q", got, want)
		}
		if got, want := spelled(t, after)["memcpy"], "STB_GLOBAL STT_FUNC of libc.so.6@GLIBC_2.14"; got != want {
			t.Errorf("memcpy is %q, want %q", got, want)
		}
	})
}

func TestRemovedNeededLosesItsVersions(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		after := edit(t, f, RemoveNeeded("libdep.so.3"))
		needs, err := after.VersionNeeds()
		if err != nil || len(needs) != 1 || needs[0].Library != "libc.so.6" {
			t.Errorf("version needs = %v, %v; want those of libc.so.6", needs, err)
		}
		got := spelled(t, after)
		if got["dep"] != "STB_GLOBAL STT_FUNC of @" || got["memcpy"] != "STB_GLOBAL STT_FUNC of libc.so.6@GLIBC_2.14" {
			t.Errorf("dep is %q, memcpy %q", got["dep"], got["memcpy"])
		}
		none := edit(t, after, RemoveNeeded("libc.so.6"))
		if none.has(elf.DT_VERNEED) || none.has(elf.DT_VERNEEDNUM) {
			t.Error("DT_VERNEED is left without a record")
		}
		if got := spelled(t, none)["memcpy"]; got != "STB_GLOBAL STT_FUNC of @" {
			t.Errorf("memcpy is %q", got)
		}
	})
}

func TestInterpreterEdits(t *testing.T) {
	for _, arch := range []string{"x86_64", "i686", "s390x"} {
		for _, kind := range []string{"type=exec", "", "bss=4000000", "type=exec bss=4000000 symtab", "nosections"} {
			t.Run(arch+" "+kind, func(t *testing.T) {
				f := open(t, arch+" interp=/lib64/ld-linux.so.2 needed=libc.so.6 "+kind)
				for _, path := range []string{"/ld.so", "/opt/some/where/far/away/lib64/ld-linux-x86-64.so.2"} {
					after := edit(t, f, SetInterpreter(path))
					if got, err := after.Interpreter(); err != nil || got != path {
						t.Errorf("interpreter = %q, %v; want %q", got, err, path)
					}
					checkTables(t, f, after)
				}
			})
		}
	}
}

// strip leaves a PT_LOAD of patchelf's without bytes, at an offset that means
// nothing. The kernel maps nothing for it.
func TestEditBesideAnEmptySegment(t *testing.T) {
	data := image(t, "x86_64"+fullSpec)
	f := parse(t, data)
	for i, p := range f.Progs {
		if p.Type == elf.PT_GNU_STACK {
			at := data[f.Phoff+uint64(i)*f.progSize():]
			binary.LittleEndian.PutUint32(at, uint32(elf.PT_LOAD))
			for j, v := range []uint64{0x218, 0x7ffff750, 0x7ffff750, 0, 0, 0x1000} {
				binary.LittleEndian.PutUint64(at[8+8*j:], v)
			}
		}
	}
	before := parse(t, data)
	if len(before.maps) != len(f.maps)+1 {
		t.Fatalf("%d PT_LOAD, want one more than %d", len(before.maps), len(f.maps))
	}
	after := edit(t, before, SetRPath(longPath), AddNeeded("liba.so"), AddNeeded("libb.so"))
	checkTables(t, before, after)
	if after.RPath() != longPath {
		t.Errorf("rpath = %q", after.RPath())
	}
}
