package linkage

import (
	"path"
	"regexp"
	"strings"
)

// tokens matches the dynamic string tokens of ld.so(8).
var tokens = regexp.MustCompile(`\$(\{(ORIGIN|LIB|PLATFORM)\}|ORIGIN\b|LIB\b|PLATFORM\b)`)

// expand replaces the tokens of one search path entry. An entry that is empty
// or relative depends on the working directory of whoever runs Python, so it
// leads nowhere.
func (r *resolver) expand(entry string, o *Object) []dir {
	var dirs []dir
	arch, _ := o.File.Arch()
	libs := []string{""}
	if strings.Contains(entry, "$LIB") || strings.Contains(entry, "${LIB}") {
		libs = libTokens(arch)
	}
	for _, lib := range libs {
		inWheel := false
		text := tokens.ReplaceAllStringFunc(entry, func(token string) string {
			switch strings.Trim(token, "${}") {
			case "LIB":
				return lib
			case "PLATFORM":
				return platformToken(arch)
			}
			inWheel = o.InWheel
			return o.origin()
		})
		if d, ok := r.dirOf(text, inWheel, o); ok {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// origin returns what $ORIGIN stands for.
func (o *Object) origin() string {
	if o.InWheel {
		return "/" + path.Dir(o.install)
	}
	return path.Dir(o.real)
}

func (r *resolver) dirOf(text string, inWheel bool, o *Object) (dir, bool) {
	if !path.IsAbs(text) {
		return dir{}, false
	}
	if inWheel {
		name := packagesDir.ReplaceAllString(strings.TrimPrefix(path.Clean(text), "/"), sitePackages+"$5")
		return dir{name: name, inWheel: true, shown: strings.TrimPrefix(name, sitePackages+"/")}, true
	}
	root := r.root
	if !o.InWheel {
		root = o.root
	}
	// Not cleaned: a ".." behind a symbolic link leads elsewhere.
	return dir{name: text, root: root, shown: root.host(path.Clean(text))}, true
}
