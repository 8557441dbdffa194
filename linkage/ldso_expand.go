package linkage

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// tokens matches the dynamic string tokens of ld.so(8).
var tokens = regexp.MustCompile(`\$(\{(ORIGIN|LIB|PLATFORM)\}|ORIGIN\b|LIB\b|PLATFORM\b)`)

// expand replaces the tokens of one search path entry. An entry that is empty
// or relative depends on the working directory of whoever runs the program, so
// it leads nowhere.
func (r *resolver) expand(entry string, o *Image) []dir {
	var dirs []dir
	arch, _ := o.ELF().Arch()
	libs := []string{""}
	if strings.Contains(entry, "$LIB") || strings.Contains(entry, "${LIB}") {
		libs = libTokens(arch)
	}
	for _, lib := range libs {
		for _, origin := range r.origins(o) {
			usesOrigin := false
			text := tokens.ReplaceAllStringFunc(entry, func(token string) string {
				switch strings.Trim(token, "${}") {
				case "LIB":
					return lib
				case "PLATFORM":
					return platformToken(arch)
				}
				usesOrigin = true
				return origin
			})
			if d, ok := r.dirOf(text, usesOrigin, o); ok && !slices.ContainsFunc(dirs, d.same) {
				dirs = append(dirs, d)
			}
		}
	}
	return dirs
}

// origins returns what $ORIGIN may stand for. To both loaders it is the directory
// of the name under which they found a library, with its symbolic links (glibc
// elf/dl-object.c, _dl_new_object; musl ldso/dynlink.c, fixup_rpath); of a program
// the kernel tells the directory without them. A library that goes into a wheel
// is also served by what lies beside the file itself, since it is that which is
// copied.
func (r *resolver) origins(o *Image) []string {
	switch {
	case o.InWheel:
		return []string{"/" + path.Dir(o.install)}
	case o.Interp != nil:
		return []string{path.Dir(o.real)}
	case r.asTheyLie:
		return []string{o.foundIn()}
	}
	return []string{o.foundIn(), path.Dir(o.real)}
}

// foundIn returns the directory in which the name of a library was found, spelled
// as in its path: what stands before ".." may be a symbolic link.
func (o *Image) foundIn() string { return o.found[:strings.LastIndexByte(o.found, '/')] }

func (r *resolver) dirOf(text string, usesOrigin bool, o *Image) (dir, bool) {
	if !path.IsAbs(text) {
		return dir{}, false
	}
	if o.InWheel && usesOrigin {
		name := packagesDir.ReplaceAllString(strings.TrimPrefix(path.Clean(text), "/"), sitePackages+"$5")
		return dir{name: name, inWheel: true, shown: placeName(name)}, true
	}
	root := r.root
	if usesOrigin {
		root = o.root
	} else if root == (Root{}) && !r.rules.onHost() {
		return dir{}, false
	}
	// Not cleaned: a ".." behind a symbolic link leads elsewhere.
	name := text
	if r.rules.trims() {
		name = strings.TrimRight(text, "/") // elf/dl-load.c, fillin_rpath
	}
	return dir{name: name, root: root, shown: root.host(path.Clean(text))}, true
}
