package elf

import (
	"debug/elf"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// spelled lists the dynamic symbols as text, by name.
func spelled(t testing.TB, f *File) map[string]string {
	t.Helper()
	got := map[string]string{}
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		text := s.Bind.String() + " " + s.Type.String()
		if s.Undefined() {
			text += " of " + s.Library
		}
		got[s.Name] = text + "@" + s.Version
	}
	return got
}

func TestSymbolsAndVersions(t *testing.T) {
	want := map[string]string{
		"memcpy":       "STB_GLOBAL STT_FUNC of libc.so.6@GLIBC_2.14",
		"free":         "STB_GLOBAL STT_FUNC of libc.so.6@GLIBC_2.2.5",
		"dep":          "STB_GLOBAL STT_FUNC of libdep.so.3@DEP_1",
		"plain":        "STB_GLOBAL STT_FUNC of @",
		"maybe":        "STB_WEAK STT_FUNC of @",
		"PyInit__core": "STB_GLOBAL STT_FUNC@V1",
		"bar":          "STB_GLOBAL STT_FUNC@V2",
		"table":        "STB_GLOBAL STT_OBJECT@",
	}
	eachImage(t, func(t *testing.T, f *File) {
		if diff := cmp.Diff(want, spelled(t, f)); diff != "" {
			t.Errorf("symbols (-want +got):\n%s", diff)
		}
	})
}

func TestReferenced(t *testing.T) {
	eachImage(t, func(t *testing.T, f *File) {
		referenced, err := f.Referenced()
		if err != nil {
			t.Fatal(err)
		}
		for s, err := range f.Symbols() {
			if err != nil {
				t.Fatal(err)
			}
			if s.Undefined() && !referenced[s.Index] {
				t.Errorf("nothing refers to %s, want the relocation that its import has", s.Name)
			}
		}
	})
}

// A relocation that is turned into one without a symbol leaves its symbol
// without a reference.
func TestNotReferenced(t *testing.T) {
	data := image(t, "x86_64 import=gone,used")
	f := parse(t, data)
	off, _, err := f.table(elf.DT_RELA, 0)
	if err != nil {
		t.Fatal(err)
	}
	index := int(binary.LittleEndian.Uint32(data[off+12:]))
	binary.LittleEndian.PutUint32(data[off+12:], 0)
	referenced, err := parse(t, data).Referenced()
	if err != nil {
		t.Fatal(err)
	}
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		if want := s.Index != index; referenced[s.Index] != want {
			t.Errorf("%s: referenced is %v, want %v", s.Name, referenced[s.Index], want)
		}
	}
}

func TestHiddenVersions(t *testing.T) {
	data := image(t, "x86_64 export=f@V_1,g@V_2,plain")
	f := parse(t, data)
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		if s.Hidden {
			t.Errorf("%s: hidden, want what the linker made of it", s.Name)
		}
		if s.Name == "g" { // g@@V_2 becomes g@V_2
			versym, _, err := f.table(elf.DT_VERSYM, 0)
			if err != nil {
				t.Fatal(err)
			}
			data[versym+uint64(s.Index)*versymSize+1] |= versymHidden >> 8
		}
	}
	indexes := map[string]uint16{}
	for s, err := range parse(t, data).Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		indexes[s.Name] = s.VersionIndex
		if want := s.Name == "g"; s.Hidden != want {
			t.Errorf("%s: hidden %v, want %v", s.Name, s.Hidden, want)
		}
	}
	if want := (map[string]uint16{"f": 2, "g": 3, "plain": versymGlobal}); !cmp.Equal(want, indexes) {
		t.Errorf("indexes %v, want %v", indexes, want)
	}
}

func TestSymbolsWithoutExports(t *testing.T) {
	// DT_GNU_HASH has no bucket in use then; DT_HASH or relocations tell.
	for _, hash := range []string{"gnu", "sysv", "both"} {
		for _, arch := range []string{"x86_64", "i686", "s390x"} {
			t.Run(arch+" "+hash, func(t *testing.T) {
				f := open(t, arch+" import=memcpy@GLIBC_2.14,abort@GLIBC_2.2.5 hash="+hash)
				if got := spelled(t, f); len(got) != 2 {
					t.Errorf("symbols = %v, want memcpy and abort", got)
				}
			})
		}
	}
}

func TestIterationStops(t *testing.T) {
	n := 0
	for range open(t, "x86_64"+fullSpec).Symbols() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d symbols visited after break, want 1", n)
	}
}

func TestVersionNeeds(t *testing.T) {
	needs, err := open(t, "aarch64 need=libc.so.6:GLIBC_2.17+GLIBC_2.34 need=libm.so.6:GLIBC_2.29").VersionNeeds()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, n := range needs {
		for _, v := range n.Versions {
			got[n.Library] = append(got[n.Library], v.Name)
		}
	}
	want := map[string][]string{"libc.so.6": {"GLIBC_2.17", "GLIBC_2.34"}, "libm.so.6": {"GLIBC_2.29"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("version needs (-want +got):\n%s", diff)
	}
}

func TestVersionDefs(t *testing.T) {
	defs, err := open(t, "s390x soname=libx.so.1 def=V1,V2").VersionDefs()
	if err != nil {
		t.Fatal(err)
	}
	type def struct {
		Name string
		Base bool
	}
	var got []def
	for _, d := range defs {
		got = append(got, def{d.Name, d.Base})
	}
	if diff := cmp.Diff([]def{{"libx.so.1", true}, {"V1", false}, {"V2", false}}, got); diff != "" {
		t.Errorf("version definitions (-want +got):\n%s", diff)
	}
}

func TestStringsThatShareATail(t *testing.T) {
	// One string serves two symbols: the second begins inside the first.
	data := image(t, "x86_64 import=xmemcpy,memcpy")
	f := parse(t, data)
	at := map[string]uint64{}
	symtab, _ := f.DynValue(elf.DT_SYMTAB)
	for s, err := range f.Symbols() {
		if err != nil {
			t.Fatal(err)
		}
		off, _ := f.offsetOf(symtab+uint64(s.Index)*symSize64, symSize64)
		at[s.Name] = off
	}
	whole := binary.LittleEndian.Uint32(data[at["xmemcpy"]:])
	binary.LittleEndian.PutUint32(data[at["memcpy"]:], whole+1)
	if got := spelled(t, parse(t, data)); len(got) != 2 || got["memcpy"] == "" || got["xmemcpy"] == "" {
		t.Errorf("symbols = %v", got)
	}
}

func TestExtension(t *testing.T) {
	for _, tt := range []struct {
		name, spec, base string
		want             ExtensionKind
	}{
		{"Python 3", "x86_64 export=PyInit__core", "_core.cpython-312-x86_64-linux-gnu.so", Python3Extension},
		{"Python 2", "x86_64 export=init_core", "_core.so", Python2Extension},
		{"cffi on PyPy", "x86_64 export=_cffi_pypyinit__core", "_core.pypy39-pp73-x86_64-linux-gnu.so", Python2Extension},
		{"name outside ASCII (PEP 489)", "x86_64 export=PyInitU_lanmt_2sa6t", "lančmít.cpython-312-x86_64-linux-gnu.so", Python3Extension},
		{"nothing of the name is ASCII", "x86_64 export=PyInitU_zck5b2b", "スパム.so", Python3Extension},
		{"another module's entry", "x86_64 export=PyInit_other", "_core.so", NotExtension},
		{"imported, not exported", "x86_64 import=PyInit__core", "_core.so", NotExtension},
		{"data of that name", "x86_64 data=PyInit__core", "_core.so", NotExtension},
		{"plain library", "x86_64 export=run", "libx.so.1", NotExtension},
		{"no suffix", "x86_64 export=PyInit__core", "_core", Python3Extension},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := open(t, tt.spec).Extension(tt.base)
			if err != nil || got != tt.want {
				t.Errorf("extension kind = %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestISA(t *testing.T) {
	for _, tt := range []struct {
		spec string
		want ISA
		text string
	}{
		{"x86_64", ISABaseline, ""},
		{"x86_64 isa=v1", ISABaseline, ""},
		{"x86_64 isa=v2", ISAv2, "x86-64-v2"},
		{"x86_64 isa=v3", ISAv3, "x86-64-v3"},
		{"x86_64 isa=v4", ISAv4, "x86-64-v4"},
		{"x86_64 isa=v3 nosections", ISAv3, "x86-64-v3"},
		{"aarch64", ISABaseline, ""},
	} {
		t.Run(tt.spec, func(t *testing.T) {
			got, err := open(t, tt.spec).ISA()
			if err != nil || got != tt.want || got.String() != tt.text {
				t.Errorf("ISA = %v (%q), %v; want %v (%q)", int(got), got, err, int(tt.want), tt.text)
			}
		})
	}
}
