package policy

import "testing"

func TestAllowsSymbol(t *testing.T) {
	tests := []struct {
		name, tag, soname, symbol string
		want                      bool
	}{
		{"new in 1.2.2", "musllinux_1_1_x86_64", "libc.musl-x86_64.so.1", "reallocarray", false},
		{"and there from then on", "musllinux_1_2_x86_64", "libc.musl-x86_64.so.1", "reallocarray", true},
		{"a later 1.2 has no tag of its own", "musllinux_1_2_x86_64", "libc.so", "statx", true},
		{"libc as zig names it", "musllinux_1_1_aarch64", "libc.so", "qsort_r", false},
		{"the loader is the libc", "musllinux_1_1_x86_64", "ld-musl-x86_64.so.1", "gettid", false},
		{"64-bit time on 32 bits", "musllinux_1_1_armv7l", "libc.so", "__clock_gettime64", false},
		{"64-bit time on 32 bits, 1.2", "musllinux_1_2_i686", "libc.musl-x86.so.1", "__stat_time64", true},
		{"names that 64 bits never had", "musllinux_1_1_x86_64", "libc.so", "__stat_time64", true},
		{"what musl always had", "musllinux_1_1_x86_64", "libc.so", "memcpy", true},
		{"new in 1.1 is old enough", "musllinux_1_1_x86_64", "libc.so", "secure_getenv", true},
		{"the same name of another library", "musllinux_1_1_x86_64", "libfoo.so.1", "statx", true},
		{"glibc versions its symbols", "manylinux_2_5_x86_64", "libc.so.6", "statx", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mustLookup(t, tt.tag).AllowsSymbol(tt.soname, tt.symbol); got != tt.want {
				t.Errorf("%s allows %s of %s: got %t, want %t", tt.tag, tt.symbol, tt.soname, got, tt.want)
			}
		})
	}
}

func TestSymbolSince(t *testing.T) {
	v, ok := SymbolSince(X86_64, "libc.so", "qsort_r")
	if !ok || v.String() != "1.2.3" {
		t.Errorf("qsort_r: got %s, %t, want 1.2.3, true", v, ok)
	}
	if v, ok := SymbolSince(X86_64, "libz.so.1", "qsort_r"); ok {
		t.Errorf("a library that is not musl's: got %s, want none", v)
	}
	if got := len(muslSymbols()[heading32]); got != 63 {
		t.Errorf("names for 64-bit time: got %d, want the 63 that musl's headers redirect to", got)
	}
}

func TestParseSymbolsRefuses(t *testing.T) {
	for _, text := range []string{"all\n  1.2 statx\n", "all\n  1.2.x statx\n"} {
		if _, err := parseSymbols(text); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}
