package macho

import (
	"path"
	"strings"
)

// identifier returns what codesign(1) calls code that has no identifier yet: the
// last element of the name without its extension, and of a version at its end the
// first number only. What has no dot then gets the UUID behind it, so that
// programs of everyday names differ. Seen on what codesign has signed:
// libjpeg.62.4.0.dylib became libjpeg.62, libpng16.16.dylib libpng16-55554944….
func (s *Slice) identifier(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && !isNumber(name[dot+1:]) {
		name = name[:dot]
	}
	version := strings.TrimRight(name, "0123456789.")
	first := strings.TrimPrefix(name[len(version):], ".")
	if _, rest, ok := strings.Cut(first, "."); ok {
		name = strings.TrimSuffix(name, "."+rest)
	}
	if strings.Contains(name, ".") || s.UUID == "" {
		return name
	}
	const mark = "55554944" // "UUID"
	return name + "-" + mark + strings.ToLower(strings.ReplaceAll(s.UUID, "-", ""))
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
