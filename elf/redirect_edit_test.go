package elf

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/elftest"
)

func name(text string) VersionedName {
	symbol, library, _ := strings.Cut(text, " of ")
	symbol, version, _ := strings.Cut(symbol, "@")
	return VersionedName{symbol, library, version}
}

func TestSymbolsAreRedirectedInOnePass(t *testing.T) {
	const spec = " soname=libspec.so needed=libc.so.6,libdep.so.3 import=memcpy@GLIBC_2.14,free@GLIBC_2.2.5,plain weak=maybe need=libdep.so.3:DEP_1 import=dep@DEP_1 export=bar@V2"
	to := func(pairs ...string) (all []Redirection) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, Redirection{name(pairs[i]), name(pairs[i+1])})
		}
		return all
	}
	for _, tt := range []struct {
		name           string
		all            []Redirection
		symbols, needs []string
	}{
		{"several", to("memcpy@GLIBC_2.14 of libc.so.6", "__own_memcpy@OWN_1 of libown.so", "dep@DEP_1 of libdep.so.3", "dep2@GLIBC_2.2.5 of libc.so.6"),
			[]string{"__own_memcpy@OWN_1 of libown.so", "bar@V2", "dep2@GLIBC_2.2.5 of libc.so.6", "free@GLIBC_2.2.5 of libc.so.6", "maybe", "plain"},
			[]string{"libc.so.6 GLIBC_2.2.5", "libown.so OWN_1"}},
		{"a name changes places with another", to("memcpy@GLIBC_2.14 of libc.so.6", "free@GLIBC_2.2.5 of libc.so.6", "free@GLIBC_2.2.5 of libc.so.6", "memcpy@GLIBC_2.14 of libc.so.6"),
			[]string{"bar@V2", "dep@DEP_1 of libdep.so.3", "free@GLIBC_2.2.5 of libc.so.6", "maybe", "memcpy@GLIBC_2.14 of libc.so.6", "plain"},
			[]string{"libc.so.6 GLIBC_2.14", "libc.so.6 GLIBC_2.2.5", "libdep.so.3 DEP_1"}},
		{"without a version", to("memcpy@GLIBC_2.14 of libc.so.6", "memcpy", "maybe", "maybe@GLIBC_2.3 of libc.so.6"),
			[]string{"bar@V2", "dep@DEP_1 of libdep.so.3", "free@GLIBC_2.2.5 of libc.so.6", "maybe@GLIBC_2.3 of libc.so.6", "memcpy", "plain"},
			[]string{"libc.so.6 GLIBC_2.2.5", "libc.so.6 GLIBC_2.3 weak", "libdep.so.3 DEP_1"}},
	} {
		for _, arch := range elftest.Arches() {
			t.Run(tt.name+" "+arch, func(t *testing.T) {
				after := edit(t, open(t, arch+spec), InsertNeeded("libown.so", "libc.so.6"), RedirectSymbols(tt.all))
				if diff := cmp.Diff(tt.symbols, namesWithVersions(t, after)); diff != "" {
					t.Errorf("symbols (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.needs, neededVersions(t, after)); diff != "" {
					t.Errorf("versions needed (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestRedirectionsAreRefused(t *testing.T) {
	const spec = "x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14 export=bar@V2"
	for want, r := range map[string]Redirection{
		"does not look up free@GLIBC_2.2.5 of libc.so.6": {name("free@GLIBC_2.2.5 of libc.so.6"), name("free")},
		"does not look up memcpy@GLIBC_2.2.5":            {name("memcpy@GLIBC_2.2.5 of libc.so.6"), name("free")},
		"does not look up memcpy":                        {name("memcpy"), name("free")},
		"does not look up bar@V2 of libc.so.6":           {name("bar@V2 of libc.so.6"), name("free")},
		"memcpy has a version without a library":         {VersionedName{"memcpy", "", "GLIBC_2.14"}, name("free")},
		`of "libnone.so", which the file does not need`:  {name("memcpy@GLIBC_2.14 of libc.so.6"), name("memcpy@V1 of libnone.so")},
		"symbol name": {name("memcpy@GLIBC_2.14 of libc.so.6"), name("")},
	} {
		_, err := open(t, spec).Edit(t.Context(), RedirectSymbols([]Redirection{r}))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", r, err, want)
		}
	}
}

func TestMarksOfThePLTGo(t *testing.T) {
	for _, relr := range []string{"", " relr"} {
		for trait, words := range traits() {
			t.Run(trait+relr, func(t *testing.T) {
				f := open(t, "x86_64"+fullSpec+" markplt"+relr+" "+words)
				if !f.MarkedPLT() {
					t.Fatal("the image has no marks")
				}
				edits := []Edit{PlainPLT()}
				if relr != "" {
					edits = append(edits, ExpandRelr())
				}
				after := edit(t, f, edits...)
				for _, tag := range []elf.DynTag{dtX86PLT, dtX86PLTSize, dtX86PLTEntry} {
					if after.has(tag) {
						t.Errorf("%#x is still there", uint64(tag))
					}
				}
				want := relocationsOf(t, f)
				at, _ := f.DynValue(elf.DT_PLTGOT)
				for i := range want {
					if want[i].target == at+24 {
						want[i].addend = 0
					}
				}
				slices.SortFunc(want, compareRelocations)
				if diff := cmp.Diff(want, relocationsOf(t, after), cmp.AllowUnexported(relocation{})); diff != "" {
					t.Errorf("relocations (-want +is):\n%s", diff)
				}
				if again := edit(t, after, edits...); again.Size() != after.Size() {
					t.Error("a second time changes the file")
				}
			})
		}
	}
	for version, want := range map[string]bool{"GLIBC_2.36": false, "GLIBC_ABI_DT_X86_64_PLT": false, "GLIBC_2.30": true} {
		f := edit(t, open(t, "x86_64"+fullSpec+" markplt need=libc.so.6:"+version), PlainPLT())
		if got := slices.ContainsFunc(neededVersions(t, f), func(s string) bool { return strings.Contains(s, version) }); got != want {
			t.Errorf("%s: %v, want %v", version, neededVersions(t, f), want)
		}
	}
	f := open(t, "x86_64"+fullSpec)
	if o, err := f.Edit(t.Context(), PlainPLT()); err != nil || o.Edited() {
		t.Errorf("a file without marks is edited (%v)", err)
	}
}
