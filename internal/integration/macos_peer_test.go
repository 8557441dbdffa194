//go:build integration

package integration

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// A delocated is a wheel that both tools repair.
type delocated struct {
	name, platforms string
	wheel, system   string   // specs for wheeltest; $SYSTEM is the folder with the libraries
	env             []string // of both tools
	flags           []string // of both tools
	theirFlags      []string // of delocate instead, where its flag has another name
	refused         bool     // by both
	ours, theirs    string   // lines of one outcome alone; "" if they are the same
	told            string   // how docs/differences.md begins to tell why
}

// A published is a wheel of macos.txt.
type published struct {
	name         string // without .whl
	undelocated  bool   // without its libraries, as the set-up makes it
	ours, theirs string // as in delocated
	told         string
}

// TestMacOSRepairBesideDelocate repairs made wheels: the same copies under the same
// names, the same names to load, the same search paths and the same tags, apart from
// what docs/differences.md tells.
func TestMacOSRepairBesideDelocate(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range delocatedWheels {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			system := filepath.Join(top, strconv.Itoa(i))
			fill := func(s string) string { return strings.ReplaceAll(s, "$SYSTEM", system) }
			if err := wheeltest.WriteLibs(system, fill(tt.system)); err != nil {
				t.Fatal(err)
			}
			name := "demo-1.0-cp312-cp312-" + tt.platforms + ".whl"
			image, err := wheeltest.Build(name, fill(tt.wheel))
			if err != nil {
				t.Fatal(err)
			}
			if tt.theirFlags == nil {
				tt.theirFlags = tt.flags
			}
			for _, list := range [][]string{tt.env, tt.flags, tt.theirFlags} {
				for i := range list {
					list[i] = fill(list[i])
				}
			}
			ours, theirs := outcomes(t, writeFile(t, name, image), tt.env, tt.flags, tt.theirFlags)
			if refused := ours[0] == refusal && theirs[0] == refusal; refused != tt.refused {
				t.Errorf("refused by both is %v, want %v", refused, tt.refused)
			}
			for _, list := range [][]string{ours, theirs} {
				for i := range list {
					list[i] = strings.ReplaceAll(list[i], system, "$SYSTEM")
				}
			}
			checkApart(t, ours, theirs, tt.ours, tt.theirs, tt.told)
		})
	}
}

// TestMacOSWheelsBesideDelocate repairs published wheels: some as they were before
// delocate copied their libraries, others as they are.
func TestMacOSWheelsBesideDelocate(t *testing.T) {
	for _, tt := range publishedWheels {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var env []string
			wheel := filepath.Join(cacheDir(t), "macos", tt.name+".whl")
			if tt.undelocated {
				wheel = cached(t, "undelocated", tt.name, "*.whl")
				env = []string{"DYLD_LIBRARY_PATH=" + cached(t, "undelocated", tt.name, "lib")}
			}
			ours, theirs := outcomes(t, wheel, env, nil, nil)
			if ours[0] == refusal || len(ours) < 3 {
				t.Errorf("our outcome is %q, want a wheel with Mach-O files", ours)
			}
			checkApart(t, ours, theirs, tt.ours, tt.theirs, tt.told)
		})
	}
}

// checkApart fails the test unless two outcomes differ by these lines, with the
// reason in docs/differences.md.
func checkApart(t *testing.T, ours, theirs []string, wantOurs, wantTheirs, told string) {
	t.Helper()
	without := func(list, other []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) }), "\n")
	}
	if diff := cmp.Diff(wantOurs, without(ours, theirs)); diff != "" {
		t.Errorf("ours alone (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantTheirs, without(theirs, ours)); diff != "" {
		t.Errorf("theirs alone (-want +got):\n%s", diff)
	}
	if (wantOurs+wantTheirs == "") != (told == "") {
		t.Error("a difference and its reason belong together")
	}
	if !strings.Contains(string(readFile(t, "../../docs/differences.md")), "\n- **"+told) && told != "" {
		t.Errorf("docs/differences.md has no paragraph that begins with %q", told)
	}
}

// outcomes repairs a wheel with wheelmend and with delocate.
func outcomes(t *testing.T, wheel string, env, flags, theirFlags []string) (ours, theirs []string) {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"repair", "-q", "--wheel-dir", filepath.Join(dir, "ours")}, flags...)
	r := run(t, env, wheelmendPath, append(args, wheel)...)
	ours = outcome(t, r, filepath.Join(dir, "ours"))
	args = append([]string{peer(t, "delocate-wheel"), "-w", filepath.Join(dir, "theirs")}, theirFlags...)
	r = run(t, env, filepath.Join("testdata", "apple-tools", "delocate"), append(args, wheel)...)
	return ours, outcome(t, r, filepath.Join(dir, "theirs"))
}

// outcome is what a tool has done: the name of the wheel, its tags, and for each image
// of it what it is called, loads and searches; or that it has refused.
func outcome(t *testing.T, r result, dir string) []string {
	t.Helper()
	if r.code != 0 {
		t.Logf("%s: %s", filepath.Base(dir), r.stderr)
		return []string{refusal}
	}
	files := filesIn(t, dir)
	if len(files) != 1 {
		t.Fatalf("%s: left %q, want one wheel\n%s", strings.Join(r.args, " "), files, r.stderr)
	}
	wheel := filepath.Join(dir, files[0])
	lines := []string{files[0]}
	for name, content := range members(t, wheel) {
		if strings.HasSuffix(name, ".dist-info/WHEEL") {
			lines = append(lines, tagLines.FindAllString(string(content), -1)...)
		}
	}
	for _, image := range imagesOf(t, wheel) {
		lines = append(lines, digests.ReplaceAllString(image, "-DIGEST."))
	}
	return lines
}

// refusal is the outcome of a repair that left no wheel.
const refusal = "refused"

var (
	tagLines = regexp.MustCompile(`(?m)^Tag: .*$`)
	// digests are what tells copies with one name apart: those of what the test made.
	digests = regexp.MustCompile(`-[0-9a-f]{8}\.`)
)

// imagesOf describes the Mach-O files of a wheel as llvm-objdump sees them, a line
// for each slice.
func imagesOf(t *testing.T, wheel string) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for name, content := range members(t, wheel) {
		if !isMachO(content) {
			continue
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil
	}
	slices.Sort(files)
	said := func(flags ...string) map[string][]string {
		args := append([]string{"--macho", "--arch=all"}, flags...)
		return underHeadings(run(t, nil, "llvm-objdump", append(args, files...)...).must(t).stdout, dir+string(filepath.Separator))
	}
	names, rpaths := said("--dylib-id", "--dylibs-used"), said("--rpaths")
	var images []string
	for _, image := range slices.Sorted(maps.Keys(names)) {
		line := image
		var loads []string
		for _, name := range names[image] {
			if load, ok := strings.CutPrefix(name, "\t"); ok {
				loads = append(loads, afterVersions.ReplaceAllString(load, "$1"))
			} else {
				line += " id=" + name
				loads = loads[1:] // the list begins with it
			}
		}
		for _, rpath := range rpaths[image] {
			loads = append(loads, "rpath="+rpath)
		}
		images = append(images, strings.Join(append([]string{line}, loads...), " "))
	}
	return images
}

// afterVersions is what llvm-objdump says after a name; the kind of a library that
// must not be there is the last word of it.
var afterVersions = regexp.MustCompile(` \(compatibility version [0-9.]+, current version [0-9.]+(, \w+)?\)$`)

// underHeadings splits what llvm-objdump prints, by the names of the images.
func underHeadings(text, dir string) map[string][]string {
	lines := map[string][]string{}
	heading := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(strings.TrimSuffix(line, ":"), dir); ok {
			heading = strings.NewReplacer(" (architecture ", " ", ")", "").Replace(name)
			lines[heading] = nil
		} else {
			lines[heading] = append(lines[heading], line)
		}
	}
	return lines
}

func isMachO(content []byte) bool {
	return slices.ContainsFunc([]string{"\xcf\xfa\xed\xfe", "\xce\xfa\xed\xfe", "\xca\xfe\xba\xbe", "\xca\xfe\xba\xbf"}, func(magic string) bool {
		return bytes.HasPrefix(content, []byte(magic))
	})
}
