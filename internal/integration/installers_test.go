//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// An installation is what an installer made of a wheel: files by path with a digest, or
// an error.
type installation struct {
	Files map[string]string `json:"files"`
	Error string            `json:"error"`
}

// installEach installs each wheel with pip, installer and uv, or as the arguments of
// testdata/installers.py say.
func installEach(t *testing.T, wheels []string, args ...string) []map[string]installation {
	t.Helper()
	list := filepath.Join(t.TempDir(), "wheels")
	if err := os.WriteFile(list, []byte(strings.Join(wheels, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("exec %q -I testdata/installers.py %s < %q", peer(t, "python"), strings.Join(args, " "), list)
	r := run(t, nil, "sh", "-c", script).must(t)
	var all []map[string]installation
	for line := range strings.Lines(r.stdout) {
		var one map[string]installation
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		all = append(all, one)
	}
	if len(all) != len(wheels) {
		t.Fatalf("%d outcomes for %d wheels\n%s", len(all), len(wheels), r.stderr)
	}
	return all
}

// agreed returns what keeps the three from the same result, "" for nothing.
func agreed(one map[string]installation) string {
	var first string
	for _, name := range []string{"pip", "installer", "uv"} {
		o := one[name]
		switch {
		case o.Error != "":
			return name + " refuses it: " + o.Error
		case first == "":
			first = name
		case !maps.Equal(one[first].Files, o.Files):
			return fmt.Sprintf("%s and %s install other files:\n%v\n%v", first, name, one[first].Files, o.Files)
		}
	}
	return ""
}

// writeShapes writes the archives of shapes under the name of a wheel, each into a
// folder of its own.
func writeShapes(t *testing.T, shapes []wheeltest.Shape, tag string) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i, s := range shapes {
		path := filepath.Join(dir, fmt.Sprint(i), wheeltest.ShapeStem+tag+".whl")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, s.Archive, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// verify says "all hold" of no wheel that pip, installer or uv refuse, or of which
// they install different files; and of each that only looks odd.
func TestVerifyMeansWhatInstallersDo(t *testing.T) {
	const tag = "py3-none-any"
	shapes := wheeltest.Shapes(tag)
	paths := writeShapes(t, shapes, tag)
	held, refused := map[string]bool{}, 0
	for i, o := range installEach(t, paths) {
		s := shapes[i]
		r := wheelmend(t, "verify", paths[i])
		held[s.Name] = r.code == 0
		why := agreed(o)
		if why != "" {
			refused++
		}
		switch {
		case r.code == 0 && why != "":
			t.Errorf("%s: verify says that all hold, but %s", s.Name, why)
		case s.Sound && r.code != 0:
			t.Errorf("%s: verify fails a sound wheel:\n%s%s", s.Name, r.stdout, r.stderr)
		case s.Sound && why != "":
			t.Errorf("%s: not as sound as it seems: %s", s.Name, why)
		}
		if r.code != 0 {
			checkErrorLine(t, r)
		}
	}
	if refused < 150 {
		t.Errorf("the installers differ about %d of %d shapes, that is too few to prove anything", refused, len(shapes))
	}
}

// What repair publishes of such a wheel, with a binary in it or without, verify
// accepts, and installers agree about it.
func TestRepairOfOddWheels(t *testing.T) {
	const tag = "cp311-cp311-linux_x86_64"
	spec, err := elftest.Parse("x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14 export=PyInit__core")
	if err != nil {
		t.Fatal(err)
	}
	binary := wheeltest.ZipPart{Name: "shape/_core.so", Content: string(elftest.Build(spec)), Mode: 0o100755}
	pure, native := wheeltest.Shapes("py3-none-any"), wheeltest.Shapes(tag, binary)
	published := map[string]string{}
	for _, set := range []struct {
		kind, tag string
		shapes    []wheeltest.Shape
	}{{"pure", "py3-none-any", pure}, {"native", tag, native}} {
		for i, path := range writeShapes(t, set.shapes, set.tag) {
			out := filepath.Join(filepath.Dir(path), "out")
			r := wheelmend(t, "repair", "--allow-pure-python-wheel", "-w", out, path)
			name := set.kind + ": " + set.shapes[i].Name
			made := filesIn(t, out)
			switch {
			case r.code != 0 && len(made) > 0:
				t.Errorf("%s: refused, but left %q", name, made)
			case r.code != 0 && set.shapes[i].Sound:
				t.Errorf("%s: refused a sound wheel: %s", name, r.stderr)
			case r.code == 0 && len(made) != 1:
				t.Errorf("%s: wrote %q, want one wheel", name, made)
			case r.code == 0:
				published[name] = filepath.Join(out, made[0])
			}
		}
	}
	var names, paths []string
	for name, path := range published {
		if r := wheelmend(t, "verify", path); r.code != 0 {
			t.Errorf("%s: verify fails what repair published:\n%s%s", name, r.stdout, r.stderr)
		}
		names, paths = append(names, name), append(paths, path)
	}
	for i, o := range installEach(t, paths) {
		if why := agreed(o); why != "" {
			t.Errorf("%s: repaired, but %s", names[i], why)
		}
	}
	t.Logf("%d of %d published", len(published), len(pure)+len(native))
}
