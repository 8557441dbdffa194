package policy

import "testing"

func TestExports(t *testing.T) {
	for _, tt := range []struct {
		name, tag, soname, symbol string
		defined, known            bool
	}{
		{"from the beginning", "manylinux_2_5_x86_64", "libc.so.6", "malloc", true, true},
		{"newer than the policy", "manylinux_2_17_x86_64", "libc.so.6", "statx", false, true},
		{"and old enough", "manylinux_2_28_x86_64", "libc.so.6", "statx", true, true},
		{"came from libdl", "manylinux_2_5_x86_64", "libc.so.6", "dlopen", true, true},
		{"came from libpthread", "manylinux_2_17_aarch64", "libc.so.6", "pthread_create", true, true},
		{"in libpthread before", "manylinux_2_17_aarch64", "libpthread.so.0", "pthread_create", true, true},
		{"came from librt", "manylinux_2_17_x86_64", "libc.so.6", "shm_open", false, true},
		{"and is there", "manylinux_2_17_x86_64", "librt.so.1", "shm_open", true, true},
		{"GLIBC_PRIVATE", "manylinux_2_41_x86_64", "libc.so.6", "__libc_dlopen_mode", false, true},
		{"libm", "manylinux_2_17_ppc64le", "libm.so.6", "nextafter", true, true},
		{"in another library", "manylinux_2_17_x86_64", "libm.so.6", "malloc", false, true},
		{"in none", "manylinux_2_17_x86_64", "libc.so.6", "no_such_function", false, true},
		{"zlib", "manylinux_2_17_x86_64", "libz.so.1", "deflate", true, true},
		{"zlib beside musl", "musllinux_1_2_x86_64", "libz.so.1", "inflateEnd", true, true},
		{"musl", "musllinux_1_2_x86_64", "libc.musl-x86_64.so.1", "memcpy", true, true},
		{"musl as zig names it", "musllinux_1_2_aarch64", "libc.so", "dlopen", true, true},
		{"names of before musl 1.2.4", "musllinux_1_2_x86_64", "libc.musl-x86_64.so.1", "fopen64", true, true},
		{"names of 32 bits", "musllinux_1_2_i686", "libc.musl-x86.so.1", "__clock_gettime64", true, true},
		{"newer than musl 1.1", "musllinux_1_1_x86_64", "libc.musl-x86_64.so.1", "qsort_r", false, true},
		{"not in musl", "musllinux_1_2_x86_64", "libc.musl-x86_64.so.1", "gnu_get_libc_version", false, true},
		{"glibc's loader", "manylinux_2_17_x86_64", "ld-linux-x86-64.so.2", "__tls_get_addr", true, true},
		{"glibc's loader on one architecture", "manylinux_2_17_i686", "ld-linux.so.2", "___tls_get_addr", true, true},
		{"which others do not have", "manylinux_2_17_x86_64", "ld-linux-x86-64.so.2", "___tls_get_addr", false, true},
		{"not in the loader", "manylinux_2_17_x86_64", "ld-linux-x86-64.so.2", "malloc", false, true},
		{"a library without a list", "manylinux_2_17_x86_64", "libX11.so.6", "XOpenDisplay", false, false},
		{"glibc's name under musl", "musllinux_1_2_x86_64", "libfoo.so", "malloc", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defined, known := mustLookup(t, tt.tag).Exports(tt.soname, tt.symbol)
			if defined != tt.defined || known != tt.known {
				t.Errorf("%s: Exports(%s, %s) = %v, %v, want %v, %v", tt.tag, tt.soname, tt.symbol, defined, known, tt.defined, tt.known)
			}
		})
	}
}

func TestVersioned(t *testing.T) {
	for soname, want := range map[string]bool{"libc.so.6": true, "libstdc++.so.6": true, "ld-linux-x86-64.so.2": true, "ld-musl-x86_64.so.1": false, "libz.so.1": false, "libX11.so.6": false} {
		if got := Versioned(soname); got != want {
			t.Errorf("Versioned(%q) = %v, want %v", soname, got, want)
		}
	}
}
