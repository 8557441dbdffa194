package linkage

// glibcLoaders are the paths that glibc installs its loader at, which is what a
// program names in PT_INTERP (https://sourceware.org/glibc/wiki/ABIList).
var glibcLoaders = map[string]string{
	"x86_64":      "/lib64/ld-linux-x86-64.so.2",
	"i686":        "/lib/ld-linux.so.2",
	"aarch64":     "/lib/ld-linux-aarch64.so.1",
	"armv7l":      "/lib/ld-linux-armhf.so.3",
	"ppc64":       "/lib64/ld64.so.1",
	"ppc64le":     "/lib64/ld64.so.2",
	"s390x":       "/lib/ld64.so.1",
	"riscv64":     "/lib/ld-linux-riscv64-lp64d.so.1",
	"loongarch64": "/lib64/ld-linux-loongarch-lp64d.so.1",
}

// LoaderPath returns where every system of a C library and architecture has its
// loader, "" if that is not known.
func LoaderPath(libc, arch string) string {
	if libc == Bionic {
		if arch == "aarch64" || arch == "x86_64" {
			return "/system/bin/linker64"
		}
		return "/system/bin/linker"
	}
	standard, known := glibcLoaders[arch]
	if libc == Musl && known {
		return "/lib/ld-musl-" + muslArch(arch) + ".so.1"
	}
	return standard
}
