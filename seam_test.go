package wheelmend_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// systemFiles are the files of each package that speak of one system or of one format:
// their names begin so. All others know neither.
var systemFiles = map[string][]string{
	"linkage": {"ldso", "musl", "bionic", "dyld", "windows"},
	"audit":   {"elf", "macho", "linux", "android", "macos", "pe", "windows"},
	"repair":  {"linux", "android", "macos", "windows"},
	"report":  {},
}

// TestOnlySystemsNameTheirFormat: what is not a system's own is written once for all of
// them, so that it cannot know a format.
func TestOnlySystemsNameTheirFormat(t *testing.T) {
	own := map[string]bool{}
	for _, arrow := range readArrows(t) {
		prefixes, watched := systemFiles[arrow.from]
		if !watched || strings.HasSuffix(arrow.file, "_test.go") || arrow.to != "elf" && arrow.to != "macho" && arrow.to != "pe" {
			continue
		}
		base := path.Base(arrow.file)
		if !isSystemFile(base, prefixes) {
			t.Errorf("%s: imports %s, and is no system's own file", arrow.file, arrow.to)
			continue
		}
		own[arrow.from] = true
	}
	// Without these the walk would prove nothing.
	for _, folder := range []string{"linkage", "audit", "repair"} {
		if !own[folder] {
			t.Errorf("no file of %q imports a format", folder)
		}
	}
}

func isSystemFile(base string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if base == prefix+".go" || strings.HasPrefix(base, prefix+"_") {
			return true
		}
	}
	return false
}

func TestSystemFilesAreToldByTheirName(t *testing.T) {
	for base, want := range map[string]bool{"ldso.go": true, "ldso_search.go": true, "ldsoft.go": false, "graph.go": false} {
		if isSystemFile(base, systemFiles["linkage"]) != want {
			t.Errorf("%s: %v, want %v", base, !want, want)
		}
	}
}

// choosing are the files, besides the systems' own, that tell systems or formats apart, each
// with the reason.
var choosing = map[string]string{
	"audit/format.go":          "the table of formats",
	"audit/load.go":            "what a file is called that has the name of a library and is none",
	"audit/system.go":          "the table of systems, and which a wheel is for",
	"audit/report.go":          "the constants, and the choice of a system",
	"audit/verify.go":          "what an ELF file that is damaged leaves open",
	"audit/verify_abi.go":      "extension modules have other names on macOS",
	"audit/verify_platform.go": "a plain Linux tag promises the format and the architecture alone",
	"repair/plan.go":           "the choice of a system",
	"repair/tag.go":            "a plain Linux tag says nothing beside others",
	"report/problems.go":       "a plain Linux tag promises nothing that could be unmet",
	"report/verdict.go":        "the same",
}

// TestOnlySystemsAreAskedWhichTheyAre: code for all systems does not ask which one it is
// about, nor what a file is to the package of its format.
func TestOnlySystemsAreAskedWhichTheyAre(t *testing.T) {
	names := []string{"ELF", "MachO", "OSLinux", "OSMacOS", "OSAndroid", "OSWindows", "forMacOS"}
	families := []string{"Linux", "Manylinux", "Musllinux", "MacOS", "Android", "Windows"} // of package policy
	speaks := func(n ast.Node) string {
		switch n := n.(type) {
		case *ast.Ident:
			if slices.Contains(names, n.Name) {
				return n.Name
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "policy" && slices.Contains(families, n.Sel.Name) {
				return "policy." + n.Sel.Name
			}
		}
		return ""
	}
	found := map[string]bool{}
	for pkg, prefixes := range systemFiles {
		files, err := filepath.Glob(pkg + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			name = filepath.ToSlash(name)
			if base := path.Base(name); strings.HasSuffix(base, "_test.go") || isSystemFile(base, prefixes) {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if what := speaks(n); what != "" {
					found[name] = true
					if choosing[name] == "" {
						t.Errorf("%s: speaks of %s, and is no system's own file", name, what)
					}
				}
				return true
			})
		}
	}
	for name := range choosing {
		if !found[name] {
			t.Errorf("%s: tells no systems apart any more", name)
		}
	}
}
