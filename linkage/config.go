package linkage

import (
	"path"
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

// A systemDir is a directory where the loader looks when no search path leads
// to a library.
type systemDir struct {
	dir  string
	conf string // the configuration file that lists it; "" for a built-in one
}

// defaultDirs returns the directories of the loader's configuration, then its
// built-in ones.
func defaultDirs(root Root, libc, arch string) []systemDir {
	if libc == Musl {
		return muslDirs(root, arch)
	}
	dirs := ldSoConf(root, "/etc/ld.so.conf", map[string]bool{})
	return unique(append(dirs, builtinDirs(arch)...))
}

// builtinDirs returns the directories that are compiled into ld.so.
func builtinDirs(arch string) []systemDir {
	var dirs []systemDir
	for _, lib := range append(libTokens(arch), "lib") {
		dirs = append(dirs, systemDir{dir: "/" + lib}, systemDir{dir: "/usr/" + lib})
	}
	return unique(dirs)
}

// muslArch returns the architecture as musl's file names spell it.
func muslArch(arch string) string {
	names := map[string]string{"i686": "i386", "armv7l": "armhf", "ppc64le": "powerpc64le"}
	if musl, ok := names[arch]; ok {
		return musl
	}
	return arch
}

// muslDirs reads /etc/ld-musl-ARCH.path, whose entries end with a newline or a
// colon, or returns musl's built-in directories (ldso/dynlink.c, sys_path).
func muslDirs(root Root, arch string) []systemDir {
	conf := "/etc/ld-musl-" + muslArch(arch) + ".path"
	text, err := root.readConfig(conf)
	if err != nil {
		return []systemDir{{dir: "/lib"}, {dir: "/usr/local/lib"}, {dir: "/usr/lib"}}
	}
	var dirs []systemDir
	for _, name := range strings.FieldsFunc(text, func(c rune) bool { return c == ':' || c == '\n' }) {
		dirs = append(dirs, systemDir{name, conf})
	}
	return unique(dirs)
}

// ldSoConf reads the directories of a ldconfig(8) configuration file, one on a
// line. A file that cannot be read names none: minimal systems have no
// configuration. Files that were read before are not read again, so that
// includes cannot go in a circle.
func ldSoConf(root Root, name string, read map[string]bool) []systemDir {
	real, err := root.resolve(name)
	if err != nil || read[real] {
		return nil
	}
	read[real] = true
	text, err := root.readConfig(real)
	if err != nil {
		return nil
	}
	var dirs []systemDir
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "hwcap":
		case fields[0] == "include":
			for _, pattern := range fields[1:] {
				if !path.IsAbs(pattern) {
					pattern = path.Join(path.Dir(name), pattern)
				}
				for _, file := range root.glob(pattern) {
					dirs = append(dirs, ldSoConf(root, file, read)...)
				}
			}
		case path.IsAbs(fields[0]):
			dir, _, _ := strings.Cut(line, "=") // "=TYPE" tells ldconfig the libc
			dirs = append(dirs, systemDir{path.Clean(strings.TrimSpace(dir)), name})
		}
	}
	return dirs
}

// unique keeps the first of several entries for a directory.
func unique(in []systemDir) []systemDir {
	var out []systemDir
	for _, d := range in {
		if d.dir != "" && !slices.ContainsFunc(out, func(o systemDir) bool { return o.dir == d.dir }) {
			out = append(out, d)
		}
	}
	return out
}
