package policy

import "strings"

// IsLoader reports whether a soname is that of a dynamic loader, of glibc or of
// musl. It is in memory before anything else and is never part of a wheel.
func IsLoader(soname string) bool {
	return loaderOf(soname) != ""
}

// loaderOf returns the libc whose dynamic loader has this soname, or "". glibc
// calls it ld-linux-ARCH.so.N, on s390x ld64.so.1 and on 64-bit POWER ld64.so.1
// or, with the second ABI, ld64.so.2; musl calls it ld-musl-ARCH.so.1.
func loaderOf(soname string) Libc {
	switch {
	case strings.HasPrefix(soname, "ld-linux"), soname == "ld64.so.1", soname == "ld64.so.2":
		return GLIBC
	case strings.HasPrefix(soname, "ld-musl-"):
		return MUSL
	}
	return ""
}
