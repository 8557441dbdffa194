package linkage

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// triplets are the directories that Debian's multiarch puts libraries in.
var triplets = map[string]string{
	"x86_64":      "x86_64-linux-gnu",
	"i686":        "i386-linux-gnu",
	"aarch64":     "aarch64-linux-gnu",
	"armv7l":      "arm-linux-gnueabihf",
	"ppc64le":     "powerpc64le-linux-gnu",
	"ppc64":       "powerpc64-linux-gnu",
	"s390x":       "s390x-linux-gnu",
	"riscv64":     "riscv64-linux-gnu",
	"loongarch64": "loongarch64-linux-gnu",
}

// libTokens returns what $LIB may stand for on a system of the architecture
// (ld.so(8), Dynamic string tokens); distributions differ.
func libTokens(arch string) []string {
	switch arch {
	case "i686", "armv7l":
		return []string{"lib", "lib/" + triplets[arch]}
	case "":
		return []string{"lib64", "lib"}
	}
	return []string{"lib64", "lib/" + triplets[arch], "lib"}
}

// platformToken returns what $PLATFORM stands for: AT_PLATFORM of the kernel.
func platformToken(arch string) string {
	if arch == "armv7l" {
		return "v7l"
	}
	return arch
}

// defaultDirs returns where the loader looks when no search path leads to a
// library: its configuration, then its built-in directories.
func defaultDirs(root Root, libc, arch string) []string {
	if libc == Musl {
		return muslDirs(root, arch)
	}
	dirs := ldSoConf(root, "/etc/ld.so.conf", map[string]bool{})
	for _, lib := range libTokens(arch) {
		dirs = append(dirs, "/"+lib, "/usr/"+lib)
	}
	dirs = append(dirs, "/lib", "/usr/lib")
	return unique(dirs)
}

// muslDirs reads /etc/ld-musl-ARCH.path, whose entries end with a newline or a
// colon, or returns musl's built-in directories (ldso/dynlink.c, sys_path).
func muslDirs(root Root, arch string) []string {
	names := map[string]string{"i686": "i386", "armv7l": "armhf", "ppc64le": "powerpc64le"}
	if musl, ok := names[arch]; ok {
		arch = musl
	}
	text, err := root.readConfig("/etc/ld-musl-" + arch + ".path")
	if err != nil {
		return []string{"/lib", "/usr/local/lib", "/usr/lib"}
	}
	return unique(strings.FieldsFunc(text, func(c rune) bool { return c == ':' || c == '\n' }))
}

// ldSoConf reads the directories of a ldconfig(8) configuration file, one on a
// line. A file that cannot be read names none: minimal systems have no
// configuration. Files that were read before are not read again, so that
// includes cannot go in a circle.
func ldSoConf(root Root, name string, read map[string]bool) []string {
	text, err := root.readConfig(name)
	if err != nil || read[name] {
		return nil
	}
	read[name] = true
	var dirs []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "hwcap":
		case fields[0] == "include":
			for _, pattern := range fields[1:] {
				for _, file := range includes(root, path.Dir(name), pattern) {
					dirs = append(dirs, ldSoConf(root, file, read)...)
				}
			}
		case path.IsAbs(fields[0]):
			dir, _, _ := strings.Cut(line, "=") // "=TYPE" tells ldconfig the libc
			dirs = append(dirs, path.Clean(strings.TrimSpace(dir)))
		}
	}
	return dirs
}

// includes expands the pattern of an include line, in sorted order.
func includes(root Root, dir, pattern string) []string {
	if !path.IsAbs(pattern) {
		pattern = path.Join(dir, pattern)
	}
	real, err := root.resolve(path.Dir(pattern))
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(root.host(real))
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		if ok, _ := path.Match(path.Base(pattern), e.Name()); ok {
			files = append(files, path.Join(filepath.ToSlash(real), e.Name()))
		}
	}
	return files
}

func unique(in []string) []string {
	var out []string
	for _, s := range in {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
