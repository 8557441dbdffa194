package lower

import (
	"compress/gzip"
	"embed"
	"io"
	"io/fs"
	"path"
	"strings"
)

//go:embed compat/LICENSE.txt all:compat/lib
var compatFiles embed.FS

// prefix begins the names of what a compatibility library defines, so that nothing takes
// them for those of a C library.
const prefix = "__wheelmend_"

// CompatVersion is the version of all symbols of a compatibility library.
const CompatVersion = "WHEELMEND_1"

// Library returns the compatibility library of a soname, and whether there is one for the
// architecture.
func (t *Table) Library(soname string) (Library, bool) {
	packed, err := compatFiles.Open(path.Join("compat/lib", string(t.arch), soname+".gz"))
	if err != nil {
		return Library{}, false
	}
	content, err := unpack(packed)
	if err != nil {
		return Library{}, false
	}
	license, err := fs.ReadFile(compatFiles, "compat/LICENSE.txt")
	if err != nil {
		return Library{}, false
	}
	return Library{Soname: soname, Content: content, License: string(license)}, true
}

// unpack reads a file that gzip has made, and closes it.
func unpack(packed fs.File) ([]byte, error) {
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// exports returns what a compatibility library defines, which its build lists beside it.
func (t *Table) exports(soname string) map[string]bool {
	names := map[string]bool{}
	list, err := fs.ReadFile(compatFiles, path.Join("compat/lib", string(t.arch), soname+".txt"))
	if err != nil {
		return names // there is no such library for the architecture
	}
	for _, name := range strings.Fields(string(list)) {
		names[name] = true
	}
	return names
}

// readCompat adds the functions of the compatibility libraries of the architecture.
func (t *Table) readCompat() {
	var soname string
	var defined map[string]bool
	var added []Symbol // of the last line
	for _, line := range lines("compat.txt") {
		words := strings.Fields(line)
		switch {
		case !strings.HasPrefix(line, " "):
			soname = line
			defined = t.exports(soname)
		case words[0] == "note:" || words[0] == "source:":
			for _, key := range added {
				row := &t.rows[key][len(t.rows[key])-1]
				if text := strings.Join(words[1:], " "); words[0] == "note:" {
					row.Note = text
				} else {
					row.Source = text
				}
			}
		default:
			added = nil
			for _, name := range words[2:] {
				if defined[prefix+name] {
					row := Row{From: Symbol{name, words[0], words[1]}, To: Symbol{prefix + name, soname, CompatVersion}, Class: Compat}
					t.add(row)
					added = append(added, Symbol{Name: name, Version: words[1]})
				}
			}
		}
	}
}
