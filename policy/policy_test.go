package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustLookup(t *testing.T, tag string) *Policy {
	t.Helper()
	p, err := Lookup(tag)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAllowsVersion(t *testing.T) {
	tests := []struct {
		name, tag, version string
		want               bool
	}{
		{"the version of its name", "manylinux_2_17_x86_64", "GLIBC_2.17", true},
		{"the next", "manylinux_2_17_x86_64", "GLIBC_2.18", false},
		{"numeric, not lexical", "manylinux_2_17_x86_64", "GLIBC_2.9", true},
		{"first of x86_64", "manylinux_2_5_x86_64", "GLIBC_2.2.5", true},
		{"older than the port", "manylinux_2_17_x86_64", "GLIBC_2.1", false},
		{"aarch64 has 2.18 early", "manylinux_2_17_aarch64", "GLIBC_2.18", true},
		{"not released in between", "manylinux_2_24_x86_64", "GLIBC_2.19", false},
		{"but s390x has it", "manylinux_2_24_s390x", "GLIBC_2.19", true},
		{"private is never portable", "manylinux_2_41_x86_64", "GLIBC_PRIVATE", false},
		{"relr is too new", "manylinux_2_35_x86_64", "GLIBC_ABI_DT_RELR", false},
		{"relr from 2.36", "manylinux_2_36_x86_64", "GLIBC_ABI_DT_RELR", true},
		{"relr on riscv64 from 2.38", "manylinux_2_36_riscv64", "GLIBC_ABI_DT_RELR", false},
		{"prefix, not beginning", "manylinux_2_5_x86_64", "GLIBCXX_3.4.9", false},
		{"word for a number", "manylinux_2_24_x86_64", "CXXABI_FLOAT128", true},
		{"two underscores", "manylinux_2_34_ppc64le", "GLIBCXX_LDBL_3.4.29", true},
		{"listed without versions", "manylinux_2_5_x86_64", "LIBATOMIC_1.0", false},
		{"prefix of a library that is grafted", "manylinux_2_5_x86_64", "OPENSSL_3.0.0", true},
		{"known prefix alone", "manylinux_2_5_x86_64", "GLIBC", false},
		{"unknown word alone", "manylinux_2_5_x86_64", "libpq", true},
		{"a plain tag promises none, and forbids none", "linux_mips", "GLIBC_2.99", true},
		{"musl has no versions", "musllinux_1_2_x86_64", "GLIBC_2.17", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustLookup(t, tt.tag).AllowsVersion(tt.version); got != tt.want {
				t.Errorf("%s allows %s: got %t, want %t", tt.tag, tt.version, got, tt.want)
			}
		})
	}
}

func TestAllowsLibrary(t *testing.T) {
	tests := []struct {
		name, tag, soname string
		want              bool
	}{
		{"libc", "manylinux_2_5_i686", "libc.so.6", true},
		{"expat came with 2.12", "manylinux_2_5_x86_64", "libexpat.so.1", false},
		{"and stays", "manylinux_2_41_x86_64", "libexpat.so.1", true},
		{"mvec came with 2.24", "manylinux_2_17_x86_64", "libmvec.so.1", false},
		{"soname, not a beginning of it", "manylinux_2_17_x86_64", "libc.so", false},
		{"loader", "manylinux_2_17_x86_64", "ld-linux-x86-64.so.2", true},
		{"loader of s390x", "manylinux_2_17_s390x", "ld64.so.1", true},
		{"loader of musl on glibc", "manylinux_2_17_x86_64", "ld-musl-x86_64.so.1", false},
		{"loader of musl", "musllinux_1_1_x86_64", "ld-musl-x86_64.so.1", true},
		{"musl libc", "musllinux_1_1_x86_64", "libc.musl-x86_64.so.1", true},
		{"musl calls i686 x86", "musllinux_1_1_i686", "libc.musl-x86.so.1", true},
		{"musl calls armv7l armv7", "musllinux_1_2_armv7l", "libc.musl-armv7.so.1", true},
		{"musl libc of another architecture", "musllinux_1_2_x86_64", "libc.musl-aarch64.so.1", false},
		{"musl libc as zig names it", "musllinux_1_2_aarch64", "libc.so", true},
		{"libstdc++ is no part of musllinux", "musllinux_1_2_x86_64", "libstdc++.so.6", false},
		{"empty", "manylinux_2_17_x86_64", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustLookup(t, tt.tag).AllowsLibrary(tt.soname); got != tt.want {
				t.Errorf("%s allows %q: got %t, want %t", tt.tag, tt.soname, got, tt.want)
			}
		})
	}
}

func TestForbidden(t *testing.T) {
	tests := []struct {
		name, tag, soname, symbol string
		want                      bool
	}{
		{"zlib internals", "manylinux_2_17_x86_64", "libz.so.1", "inflate_table", true},
		{"hidden until 2.36", "manylinux_2_35_x86_64", "libz.so.1", "fill_window", true},
		{"in the open since", "manylinux_2_36_x86_64", "libz.so.1", "fill_window", false},
		{"libm of another policy", "manylinux_2_24_x86_64", "libm.so.6", "__issignaling", false},
		{"libm", "manylinux_2_17_x86_64", "libm.so.6", "__issignaling", true},
		{"library without a list", "manylinux_2_17_x86_64", "librt.so.1", "timer_create", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := slices.Contains(mustLookup(t, tt.tag).Forbidden(tt.soname), tt.symbol); got != tt.want {
				t.Errorf("%s forbids %s of %s: got %t, want %t", tt.tag, tt.symbol, tt.soname, got, tt.want)
			}
			if got := mustLookup(t, tt.tag).Forbids(tt.soname, tt.symbol); got != tt.want {
				t.Errorf("Forbids: %s of %s for %s: got %t, want %t", tt.symbol, tt.soname, tt.tag, got, tt.want)
			}
		})
	}
	got := mustLookup(t, "manylinux_2_28_x86_64").ForbiddenLibraries()
	if diff := cmp.Diff([]string{"libz.so.1"}, got); diff != "" {
		t.Errorf("libraries with forbidden symbols in manylinux_2_28 (-want +got):\n%s", diff)
	}
}

func TestLookup(t *testing.T) {
	p := mustLookup(t, "manylinux2014_aarch64")
	if p != mustLookup(t, "manylinux_2_17_aarch64") {
		t.Errorf("manylinux2014_aarch64: got policy %s, want manylinux_2_17_aarch64", p.Tag())
	}
	want := []string{"manylinux_2_17_aarch64", "manylinux2014_aarch64"}
	if diff := cmp.Diff(want, p.Tags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if p.Libc != GLIBC || p.Arch != AARCH64 || p.Major != 2 || p.Minor != 17 {
		t.Errorf("got %s %s %d.%d, want glibc aarch64 2.17", p.Libc, p.Arch, p.Major, p.Minor)
	}
}

func TestLookupExplains(t *testing.T) {
	tests := []struct{ name, tag, want string }{
		{"policy of other architectures", "manylinux1_riscv64", `"manylinux1_riscv64"; riscv64 has manylinux_2_31, manylinux_2_34`},
		{"longest architecture wins", "manylinux_2_5_ppc64le", "; ppc64le has manylinux_2_17, manylinux2014, manylinux_2_24"},
		{"musl is listed too", "musllinux_1_0_x86_64", "musllinux_1_1, musllinux_1_2"},
		{"no architecture", "manylinux_2_17", "none of the architectures aarch64, armv7l,"},
		{"empty", "", `platform tag ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Lookup(tt.tag)
			if err == nil {
				t.Fatalf("got %s, want an error", p.Tag())
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want it to contain %q", err, tt.want)
			}
		})
	}
}

func TestForIsOldestFirst(t *testing.T) {
	if got := For(MUSL, PPC64); len(got) != 0 {
		t.Errorf("musllinux policies of ppc64: got %d, want none", len(got))
	}
	list := For(GLIBC, X86_64)
	if first, last := list[0].Name, list[len(list)-1].Name; first != "manylinux_2_5" || last != "manylinux_2_41" {
		t.Errorf("got %s to %s, want manylinux_2_5 to manylinux_2_41", first, last)
	}
	for i := 1; i < len(list); i++ {
		if !list[i-1].Older(list[i]) || list[i].Older(list[i-1]) {
			t.Errorf("%s and %s are out of order", list[i-1].Name, list[i].Name)
		}
	}
	if list[0].Older(For(GLIBC, I686)[3]) {
		t.Error("policies of two architectures are compared")
	}
}

// A stricter policy that allows more than a newer one would let a wheel be
// retagged to an older system than it was checked for.
func TestNewerPoliciesAllowMore(t *testing.T) {
	for _, p := range All() {
		for _, q := range For(p.Libc, p.Arch) {
			if !p.Older(q) {
				continue
			}
			for _, soname := range p.Libraries() {
				if !q.AllowsLibrary(soname) {
					t.Errorf("%s allows %s, the newer %s does not", p.Tag(), soname, q.Tag())
				}
			}
			for prefix, versions := range p.Versions() {
				for _, v := range versions {
					if !q.AllowsVersion(prefix + "_" + v) {
						t.Errorf("%s allows %s_%s, the newer %s does not", p.Tag(), prefix, v, q.Tag())
					}
				}
			}
		}
	}
}

func TestVersionsAreInNaturalOrder(t *testing.T) {
	want := []string{"2.2.5", "2.2.6", "2.3", "2.3.2", "2.3.3", "2.3.4", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9", "2.10", "2.11", "2.12"}
	if diff := cmp.Diff(want, mustLookup(t, "manylinux_2_12_x86_64").Versions()["GLIBC"]); diff != "" {
		t.Errorf("manylinux_2_12_x86_64 (-want +got):\n%s", diff)
	}
}

func TestReturnedSlicesAreCopies(t *testing.T) {
	All()[0], For(GLIBC, X86_64)[0] = nil, nil
	if All()[0] == nil || For(GLIBC, X86_64)[0] == nil {
		t.Error("a caller can overwrite the list of policies")
	}
}

func TestLookupFor(t *testing.T) {
	for _, c := range []struct {
		name, tag string
		arch      Arch
		want      string // "" for an error
	}{
		{"complete", "manylinux_2_28_x86_64", X86_64, "manylinux_2_28_x86_64"},
		{"complete, of another architecture", "manylinux_2_28_s390x", X86_64, "manylinux_2_28_s390x"},
		{"without architecture", "manylinux_2_28", AARCH64, "manylinux_2_28_aarch64"},
		{"alias without architecture", "manylinux2014", PPC64LE, "manylinux_2_17_ppc64le"},
		{"not for that architecture", "manylinux1", AARCH64, ""},
		{"unknown", "manylinux_9_9", X86_64, ""},
	} {
		p, err := LookupFor(c.tag, c.arch)
		got := ""
		if err == nil {
			got = p.Tag()
		}
		if got != c.want {
			t.Errorf("%s: LookupFor(%q, %s) = %q, %v, want %q", c.name, c.tag, c.arch, got, err, c.want)
		}
	}
}
