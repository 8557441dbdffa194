package wheelmend_test

import (
	"path"
	"strings"
	"testing"
)

// systemFiles are the files of each package that speak of one system or of one format:
// their names begin so. All others know neither.
var systemFiles = map[string][]string{
	"linkage": {"ldso", "musl", "bionic", "dyld"},
	"audit":   {"elf", "macho", "linux", "android", "macos"},
	"repair":  {"linux", "android", "macos"},
	"report":  {},
}

// TestOnlySystemsNameTheirFormat: what is not a system's own is written once for all of
// them, so that it cannot know a format.
func TestOnlySystemsNameTheirFormat(t *testing.T) {
	own := map[string]bool{}
	for _, arrow := range readArrows(t) {
		prefixes, watched := systemFiles[arrow.from]
		if !watched || strings.HasSuffix(arrow.file, "_test.go") || arrow.to != "elf" && arrow.to != "macho" {
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
