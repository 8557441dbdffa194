package wheelmend_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wheelmend/wheelmend"

// commandLine lists the packages of internal/ that are part of the command and import
// what they like, each with those above it. Nobody but they and cmd imports them.
var commandLine = map[string][]string{
	"internal/console": {},
	"internal/command": {"internal/console"},
	"internal/patch":   {"internal/console"},
	"internal/dropin":  {"internal/console", "internal/command", "internal/patch"},
}

// mayImport lists the packages of this module that each top-level folder may
// import. internal/* and a package's own subpackages are open to all of them.
// Folders that are not here, such as cmd and examples, import what they like.
var mayImport = map[string][]string{
	"":         {},
	"internal": {},
	"overlay":  {},
	"elf":      {"overlay"},
	"pe":       {"overlay"},
	"macho":    {"overlay"},
	"policy":   {},
	"wheel":    {},
	"sbom":     {},
	"linkage":  {"elf", "macho", "pe"},
	"audit":    {"linkage", "policy", "policy/lower", "wheel", "elf", "macho", "pe"},
	"repair":   {"audit", "linkage", "policy", "policy/lower", "wheel", "overlay", "elf", "macho", "pe", "sbom"},
	"report":   {"audit", "repair", "policy", "policy/lower"},
}

func TestImportsPointOneWay(t *testing.T) {
	seen := map[string]bool{}
	for _, arrow := range readArrows(t) {
		seen[topFolder(arrow.from)] = true
		if !allowed(arrow.from, arrow.to) {
			t.Errorf("%s: package %q imports %q, which is not above it", arrow.file, arrow.from, arrow.to)
		}
	}
	// Without these the walk would prove nothing.
	for _, folder := range []string{"cmd", "internal", "report", "repair", "audit", "linkage"} {
		if !seen[folder] {
			t.Errorf("no import of this module was found in %q", folder)
		}
	}
}

func TestWrongArrowsAreNotAllowed(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"linkage", "elf", true},
		{"wheel", "internal/atomicfile", true},
		{"wheel", "wheel/internal/deflate", true},
		{"cmd/wheelmend", "report", true},
		{"elf", "wheel", false},
		{"policy", "elf", false},
		{"linkage", "audit", false},
		{"report", "linkage", false},
		{"audit", "repair", false},
		{"internal/elftest", "elf", false},
		{"elf", "wheel/internal/deflate", false},
		{"repair", "cmd/wheelmend", false},
		{"examples/audit", "cmd/wheelmend", false},
		{"elf", "", false},
		{"cmd/wheelmend", "internal/dropin", true},
		{"internal/dropin", "internal/command", true},
		{"internal/dropin", "repair", true},
		{"internal/dropin", "internal/atomicfile", true},
		{"internal/dropin", "cmd/wheelmend", false},
		{"internal/command", "internal/dropin", false},
		{"internal/console", "internal/patch", false},
		{"repair", "internal/console", false},
		{"internal/atomicfile", "internal/console", false},
	} {
		if got := allowed(tt.from, tt.to); got != tt.want {
			t.Errorf("allowed(%q, %q) = %v, want %v", tt.from, tt.to, got, tt.want)
		}
	}
}

// An arrow is one import of one file. Packages are named by their folder
// within the module.
type arrow struct{ file, from, to string }

// readArrows reads the imports within this module of all files, for whatever
// system they are. Tests may use what they need.
func readArrows(t *testing.T) []arrow {
	t.Helper()
	var arrows []arrow
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to, ours := strings.CutPrefix(imported+"/", module+"/"); ours {
				arrows = append(arrows, arrow{name, folder(path.Dir(name)), strings.TrimSuffix(to, "/")})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return arrows
}

// folder spells the root package as "".
func folder(dir string) string {
	if dir == "." {
		return ""
	}
	return dir
}

func topFolder(pkg string) string {
	top, _, _ := strings.Cut(pkg, "/")
	return top
}

func allowed(from, to string) bool {
	above, limited := mayImport[topFolder(from)]
	ours, isCommand := commandLine[from]
	limited = limited && !isCommand
	switch top := topFolder(to); {
	case top == "cmd":
		return topFolder(from) == "cmd"
	case commandLine[to] != nil:
		return topFolder(from) == "cmd" || slices.Contains(ours, to)
	case top == "internal" || top == topFolder(from) && top != "":
		return true
	case strings.Contains(to, "/internal/") || strings.HasSuffix(to, "/internal"):
		return false
	case limited:
		return slices.Contains(above, to)
	}
	return true
}
