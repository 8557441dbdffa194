//go:build integration

package integration

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// grafted is a library that a repair copied into a wheel.
type grafted struct {
	member string // path in the repaired wheel
	source string // file that it is a copy of, symbolic links resolved
}

// hashed splits the name of a graft, libpq-0123abcd.so.5.15.
var hashed = regexp.MustCompile(`^(.+)-[0-9a-f]{8}(\.so.*|\..*)?$`)

// graftsOf pairs the libraries in the .libs folder of a repaired wheel with
// the files that the audit of the unrepaired one announced; it fails when one
// is left over on either side.
func graftsOf(t *testing.T, raw, repaired string) []grafted {
	t.Helper()
	bySource := map[string]string{} // base name of the source -> source
	for _, lib := range audit(t, raw).with("graft") {
		source, err := filepath.EvalSymlinks(lib.Path)
		if err != nil {
			t.Fatalf("audit: %s: %v", lib.Soname, err)
		}
		bySource[filepath.Base(source)] = source
	}
	var grafts []grafted
	for _, member := range inFolder(members(t, repaired), ".libs") {
		m := hashed.FindStringSubmatch(path.Base(member))
		if m == nil {
			t.Errorf("%s: want a name like libfoo-0123abcd.so.1", member)
			continue
		}
		source, ok := bySource[m[1]+m[2]]
		if !ok {
			t.Errorf("%s: grafted, but the audit names no library %q", member, m[1]+m[2])
			continue
		}
		delete(bySource, m[1]+m[2])
		grafts = append(grafts, grafted{member, source})
	}
	for _, source := range bySource {
		t.Errorf("%s: the audit says that it is grafted, the wheel has no copy", source)
	}
	return grafts
}

// checkMapped asserts that a process used every graft from where it is
// installed, and no library of the system in its place.
func checkMapped(t *testing.T, v venv, m mapping, grafts []grafted) {
	t.Helper()
	site, err := filepath.EvalSymlinks(v.sitePackages(t))
	if err != nil {
		t.Fatal(err)
	}
	pythons := v.fromPython(t, m.Stdlib)
	isMapped := map[string]bool{}
	for _, file := range m.Mapped {
		isMapped[file] = true
	}
	for _, g := range grafts {
		if want := filepath.Join(site, g.member); !isMapped[want] {
			t.Errorf("%s is not mapped", want)
		}
		if isMapped[g.source] && !pythons[g.source] {
			t.Errorf("%s is mapped; the wheel has its own copy %s", g.source, g.member)
		}
	}
	for _, file := range m.Mapped {
		if hashed.MatchString(filepath.Base(file)) && strings.Contains(file, ".libs/") && !strings.HasPrefix(file, site+"/") {
			t.Errorf("%s is mapped, and lies outside of %s", file, site)
		}
	}
}
