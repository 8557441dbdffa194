//go:build integration

package integration

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// shims makes the links by which wheelmend is called like other tools.
func shims(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shims")
	wheelmend(t, "install-shims", dir).must(t)
	return dir
}

// apple runs a program of delocate, on what stands for Apple's tools.
func apple(t *testing.T, env []string, program string, args ...string) result {
	t.Helper()
	return run(t, env, filepath.Join("testdata", "apple-tools", "delocate"), append([]string{peer(t, program)}, args...)...)
}

// TestDropInFlags compares the tables of flags in the helps: the same flags, with as
// many values.
func TestDropInFlags(t *testing.T) {
	dir := shims(t)
	for _, call := range []string{
		"auditwheel", "auditwheel show", "auditwheel repair", "auditwheel lddtree", "repairwheel", "patchelf",
		"delocate-wheel", "delocate-path", "delocate-listdeps", "delocate-merge", "delocate-addplat", "delocate-patch",
	} {
		t.Run(call, func(t *testing.T) {
			words := append(strings.Fields(call), "--help")
			theirs := run(t, []string{"COLUMNS=200"}, peer(t, words[0]), words[1:]...).must(t)
			ours := run(t, nil, filepath.Join(dir, words[0]), words[1:]...).must(t)
			want, got := flagTable(theirs.stdout+theirs.stderr), flagTable(ours.stdout+ours.stderr)
			if diff := cmp.Diff(want, got); diff != "" || len(got) < 3 {
				t.Errorf("%d flags (-theirs +ours):\n%s", len(got), diff)
			}
		})
	}
}

var (
	flagLine  = regexp.MustCompile(`^ +(-\w|--\w)`)
	columns   = regexp.MustCompile(`   +|\t+`)
	bracketed = regexp.MustCompile(`^  \[(--\S+)( .*)?\]`)
)

// flagTable reads the flags of a help, with the number of values that each takes.
func flagTable(help string) map[string]int {
	table := map[string]int{}
	for line := range strings.Lines(help) {
		if m := bracketed.FindStringSubmatch(columns.Split(strings.TrimRight(line, "\n"), 2)[0]); m != nil {
			table[m[1]] = len(strings.Fields(m[2])) // patchelf
			continue
		}
		if !flagLine.MatchString(line) {
			continue
		}
		column := strings.Split(columns.Split(strings.TrimSpace(line), 2)[0], "  ")[0]
		values := 0
		var names []string
		for _, word := range strings.Fields(column) {
			name, _, _ := strings.Cut(strings.TrimSuffix(word, ","), "[=")
			switch {
			case strings.HasPrefix(name, "-"):
				names = append(names, name)
			case name != "count": // how often the flag may be given
				values = 1
			}
		}
		for _, name := range names {
			table[name] = values
		}
	}
	return table
}

// TestAuditwheelShowBesidePeer compares the documents of show --json on published
// wheels: all of it, but for wheels on which the two do not agree.
func TestAuditwheelShowBesidePeer(t *testing.T) {
	program := filepath.Join(shims(t), "auditwheel")
	// auditwheel passes over marks that are no version of glibc.
	marks := regexp.MustCompile(`^GLIBC_ABI_`)
	compared := 0
	for _, wheel := range corpus(t) {
		theirs := readFile(t, cached(t, "answers", "current", wheel+".json"))
		if a := decodeAnswer(t, theirs); a.Error != "" || a.Timeout != 0 {
			continue
		}
		if _, known := differences[wheel]; known {
			continue
		}
		ours := run(t, nil, program, "show", "--json", cached(t, "corpus", wheel)).must(t)
		want, got := decodeObject(t, string(theirs)), decodeObject(t, ours.stdout)
		for library, versions := range got["versioned_symbols"].(map[string]any) {
			got["versioned_symbols"].(map[string]any)[library] = slices.DeleteFunc(versions.([]any), func(v any) bool { return marks.MatchString(v.(string)) })
		}
		for _, document := range []map[string]any{want, got} {
			document["external_libs"] = slices.Sorted(maps.Keys(document["external_libs"].(map[string]any)))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-auditwheel +wheelmend):\n%s", wheel, diff)
		}
		compared++
	}
	if compared < 50 {
		t.Errorf("%d wheels compared, want 50 and more", compared)
	}
}

func decodeObject(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return object
}

// TestAuditwheelRepairBesidePeer repairs a wheel with both, and once more with
// auditwheel on wheelmend in the place of patchelf: the same files with the same
// names in them, and output that scripts can search.
func TestAuditwheelRepairBesidePeer(t *testing.T) {
	raw, dir := rawWheel(t, "psycopg2"), shims(t)
	onlyPatchelf := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "patchelf"), filepath.Join(onlyPatchelf, "patchelf")); err != nil {
		t.Fatal(err)
	}
	path := func(first string) []string { return []string{"PATH=" + first + ":" + os.Getenv("PATH")} }
	results := map[string]map[string]string{}
	for name, call := range map[string]struct{ first, program string }{
		"theirs":  {filepath.Dir(peer(t, "patchelf")), peer(t, "auditwheel")},
		"ours":    {t.TempDir(), filepath.Join(dir, "auditwheel")},
		"between": {onlyPatchelf, peer(t, "auditwheel")},
	} {
		out := t.TempDir()
		r := run(t, append(path(call.first), "AUDITWHEEL_PLAT=manylinux_2_34_x86_64"), call.program, "repair", "-w", out, raw).must(t)
		written := filepath.Join(out, filesIn(t, out)[0])
		if want := "Fixed-up wheel written to " + written + "\n"; !strings.Contains(r.stderr, want) || r.stdout != "" {
			t.Errorf("%s says %q, want %q among it", name, r.stderr, want)
		}
		if name == "ours" {
			checkContainer(t, written)
		}
		wheelmend(t, "verify", written).must(t)
		results[name] = map[string]string{"": filepath.Base(written)}
		for member, image := range elfMembers(t, written) {
			results[name][member] = dynamicStrings(t, image)
		}
	}
	for _, name := range []string{"ours", "between"} {
		if diff := cmp.Diff(results["theirs"], results[name]); diff != "" {
			t.Errorf("-theirs +%s:\n%s", name, diff)
		}
	}
	// Both end with the same codes.
	for _, args := range [][]string{
		{"repair", "--plat", "manylinux_2_5_x86_64", raw}, {"repair", "none.whl"}, {"show", "none.whl"}, {"repair", "--plat", "x", raw},
		{"repair", "-z", "10", raw}, {"repair"}, {"show", cached(t, "macos", "lxml-*.whl")}, {"repair", "--bogus", raw}, {},
		{"repair", "--ldpaths", "/none", raw},
	} {
		if len(args) > 0 && args[0] == "repair" {
			args = append([]string{"repair", "-w", t.TempDir()}, args[1:]...)
		}
		theirs := run(t, path(filepath.Dir(peer(t, "patchelf"))), peer(t, "auditwheel"), args...)
		ours := run(t, nil, filepath.Join(dir, "auditwheel"), args...)
		if ours.code != theirs.code {
			t.Errorf("auditwheel %q: exit %d, auditwheel's own is %d\n%s\n%s", args, ours.code, theirs.code, ours.stderr, theirs.stderr)
		}
	}
}

// dynamicStrings is what readelf says of the names in the dynamic section.
func dynamicStrings(t *testing.T, image []byte) string {
	t.Helper()
	said := run(t, nil, "readelf", "-dW", writeFile(t, "image", image)).must(t).stdout
	var lines []string
	for line := range strings.Lines(said) {
		if _, rest, ok := strings.Cut(line, "("); ok && strings.ContainsAny(rest, "[") {
			lines = append(lines, strings.Join(strings.Fields(rest), " "))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestPatchelfBesidePeer makes the same calls of both on copies of one library and of
// one program: the same output, exit codes and dynamic sections.
func TestPatchelfBesidePeer(t *testing.T) {
	ours := filepath.Join(shims(t), "patchelf")
	dir := t.TempDir()
	value := filepath.Join(dir, "value")
	if err := os.WriteFile(value, []byte("/from/a/file"), 0o644); err != nil {
		t.Fatal(err)
	}
	subjects := map[string]string{"library": "/lib/x86_64-linux-gnu/libpq.so.5", "program": "/usr/bin/openssl"}
	for kind, subject := range subjects {
		t.Run(kind, func(t *testing.T) {
			a, b := writeFile(t, "theirs", readFile(t, subject)), writeFile(t, "ours", readFile(t, subject))
			for _, call := range [][]string{
				{"--print-needed", "--print-rpath", "--print-soname", "--print-os-abi", "--print-execstack"}, {"--print-interpreter"},
				{"--set-rpath", "$ORIGIN/../lib:/opt/lib", "--print-rpath"}, {"--add-rpath", "/x", "--print-needed"}, {"--add-rpath", "/lib/x86_64-linux-gnu", "--force-rpath"},
				{"--print-rpath"}, {"--shrink-rpath"}, {"--print-rpath"}, {"--shrink-rpath", "--allowed-rpath-prefixes", "/opt:/nix"}, {"--print-rpath"},
				{"--set-rpath", "@" + value}, {"--remove-rpath"}, {"--remove-rpath"}, {"--print-rpath"},
				{"--replace-needed", "libssl.so.3", "libssl-0123abcd.so.3", "--remove-needed", "libnever.so"}, {"--add-needed", "libnew.so.1", "--remove-needed", "libcrypto.so.3"},
				{"--replace-needed", "libnone.so", "libsome.so"}, {"--print-needed"}, {"--no-sort", "--page-size", "4096", "--set-rpath", "/y"},
				{"--set-interpreter", "/opt/ld.so"}, {"--print-interpreter"}, {"--set-rpath"}, {"--bogus"}, {"--version"}, {"--print-soname", "--print-rpath"},
			} {
				theirs := run(t, nil, peer(t, "patchelf"), append(slices.Clone(call), a)...)
				mine := run(t, nil, ours, append(slices.Clone(call), b)...)
				if call[0] == "--version" {
					theirs.stdout, mine.stdout = firstWords(theirs.stdout), firstWords(mine.stdout)
				}
				if theirs.code != mine.code || theirs.stdout != mine.stdout {
					t.Errorf("%q: exit %d, %q\ntheirs: exit %d, %q\n%s", call, mine.code, mine.stdout, theirs.code, theirs.stdout, mine.stderr)
				}
				if diff := cmp.Diff(dynamicStrings(t, readFile(t, a)), dynamicStrings(t, readFile(t, b))); diff != "" {
					t.Fatalf("%q (-theirs +ours):\n%s", call, diff)
				}
			}
		})
	}
}

// firstWords cuts what wheelmend adds to a version.
func firstWords(version string) string {
	words := strings.Fields(version)
	return strings.Join(words[:min(2, len(words))], " ")
}

// TestDelocateBesidePeer makes the same calls of both on copies of one wheel and of one
// directory.
func TestDelocateBesidePeer(t *testing.T) {
	dir := shims(t)
	const name = "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl"
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	const library, module = "macho arch=arm64 minos=11.0 signed=adhoc id=", "macho arch=arm64 type=bundle minos=11.0 signed=adhoc loads="
	system := filepath.Join(top, "system")
	if err := wheeltest.WriteLibs(system, "libb.dylib "+library+system+"/libb.dylib loads="+system+"/libc.dylib\nlibc.dylib "+library+system+"/libc.dylib"); err != nil {
		t.Fatal(err)
	}
	loads := system + "/libb.dylib,/usr/lib/libSystem.B.dylib"
	wheel, err := wheeltest.Build(name, "demo/__init__.py text \"\"\ndemo/a.so "+module+loads+" rpaths=/opt/lib")
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string][]string{}
	for _, who := range []string{"theirs", "ours"} {
		call := func(program string, args ...string) string {
			if who == "theirs" {
				return apple(t, nil, program, args...).must(t).stdout
			}
			return run(t, nil, filepath.Join(dir, program), args...).must(t).stdout
		}
		work := filepath.Join(top, "work-"+who)
		if err := wheeltest.WriteLibs(work, "tree/a.so "+module+loads+","+work+"/tree/lib/own.dylib rpaths=/opt/lib\ntree/lib/own.dylib "+library+"/opt/own.dylib\ntree/alone.so "+module+"/usr/lib/libSystem.B.dylib rpaths=/opt/lib"); err != nil {
			t.Fatal(err)
		}
		path, tree := filepath.Join(work, name), filepath.Join(work, "tree")
		if err := os.WriteFile(path, wheel, 0o644); err != nil {
			t.Fatal(err)
		}
		var said []string
		say := func(text string) { said = append(said, strings.ReplaceAll(text, work, "$WORK")) }
		say(call("delocate-listdeps", path))
		users := strings.Split(call("delocate-listdeps", "-a", "-d", path, tree), "\n")
		slices.Sort(users) // delocate names the files behind a library in no order
		say(strings.Join(users, "\n"))
		say(call("delocate-wheel", "-v", path)) // in its place
		say(strings.Join(filesIn(t, work), " "))
		say(strings.Join(imagesOf(t, path), "\n"))
		say(call("delocate-path", "-L", "libs", tree))
		say(strings.Join(imagesIn(t, tree), "\n"))
		say(call("delocate-addplat", "-p", "macosx_12_0_arm64", path))
		say(strings.Join(filesIn(t, work), " "))
		outcomes[who] = said
	}
	if diff := cmp.Diff(outcomes["theirs"], outcomes["ours"]); diff != "" {
		t.Errorf("-theirs +ours:\n%s", diff)
	}
}

// imagesIn describes the Mach-O files below a directory.
func imagesIn(t *testing.T, dir string) []string {
	t.Helper()
	content := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			content[strings.TrimPrefix(path, dir+"/")] = readFile(t, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imagesOf(t, zipped(t, "tree.whl", content))
}

// TestAuditwheelTextBesidePeer compares what show and lddtree print for people, and
// scripts search.
func TestAuditwheelTextBesidePeer(t *testing.T) {
	ours := filepath.Join(shims(t), "auditwheel")
	for _, wheel := range []string{rawWheel(t, "psycopg2"), rawWheel(t, "randomgen"), cached(t, "corpus", "bcrypt-*_x86_64.whl"), cached(t, "corpus", "msgpack-*_x86_64.whl")} {
		theirs := run(t, nil, peer(t, "auditwheel"), "show", wheel).must(t).stdout
		mine := run(t, nil, ours, "show", wheel).must(t).stdout
		if diff := cmp.Diff(sentences(theirs), sentences(mine)); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", filepath.Base(wheel), diff)
		}
	}
	for _, program := range []string{"/usr/bin/openssl", "/bin/sh", "/lib/x86_64-linux-gnu/libpq.so.5"} {
		trees := map[string]map[string]any{}
		for _, auditwheel := range []string{peer(t, "auditwheel"), ours} {
			said := run(t, nil, auditwheel, "lddtree", program).must(t)
			text, ok := strings.CutPrefix(said.stderr, "INFO:auditwheel.main_lddtree:")
			if !ok {
				t.Fatalf("%s says %q", auditwheel, said.stderr)
			}
			tree := decodeObject(t, text)
			delete(tree, "platform")
			delete(tree, "realpath")
			for _, library := range tree["libraries"].(map[string]any) {
				delete(library.(map[string]any), "platform")
				// Of several names of one file the two may show others.
				delete(library.(map[string]any), "path")
				delete(library.(map[string]any), "realpath")
			}
			trees[auditwheel] = tree
		}
		if diff := cmp.Diff(trees[peer(t, "auditwheel")], trees[ours]); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", program, diff)
		}
	}
}

// sentences joins the lines of each paragraph. Versions stand in sets, whose order has
// no meaning.
func sentences(text string) []string {
	var all []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		words := strings.Fields(strings.NewReplacer("{", " ", "}", " ", ",", " ").Replace(paragraph))
		if strings.HasPrefix(strings.TrimSpace(paragraph), "The wheel references") {
			slices.Sort(words)
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// TestRepairwheelBesidePeer repairs a Linux and a macOS wheel with both: the same names
// of wheels, and the same members.
func TestRepairwheelBesidePeer(t *testing.T) {
	ours := filepath.Join(shims(t), "repairwheel")
	flat := t.TempDir()
	if err := os.WriteFile(filepath.Join(flat, "libdep.1.dylib"), readFile(t, filepath.Join(machoData, "zig-arm64-libdep.dylib")), 0o755); err != nil {
		t.Fatal(err)
	}
	_, mac := macSystem(t, "arm64", "zig-ARCH-mod.so")
	for _, wheel := range []string{rawWheel(t, "psycopg2"), mac} {
		var outcomes [2][]string
		for i, program := range []string{peer(t, "repairwheel"), ours} {
			out := t.TempDir()
			r := run(t, nil, program, "-o", out, "-l", flat, wheel).must(t)
			names := filesIn(t, out)
			want := "Wrote " + filepath.Join(out, names[0]) + "\nAll wheels repaired. Output directory: " + out + "\n"
			if r.stdout != want {
				t.Errorf("%s says %q, want %q", program, r.stdout, want)
			}
			for name := range members(t, filepath.Join(out, names[0])) {
				if !strings.Contains(name, ".dist-info/") {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			outcomes[i] = names
		}
		if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" {
			t.Errorf("%s (-theirs +ours):\n%s", filepath.Base(wheel), diff)
		}
	}
}

// TestDelocateMergeBesidePeer merges two halves with both: the same slices, and the
// files of the second wheel where they differ.
func TestDelocateMergeBesidePeer(t *testing.T) {
	dir := shims(t)
	var halves []string
	for _, arch := range []string{"x86_64", "arm64"} {
		root, wheel := macSystem(t, arch, "zig-ARCH-mod.so")
		content := members(t, repair(t, wheel, "--sysroot", root, "--no-sbom"))
		content["made/config.py"] = []byte("cpu = '" + arch + "'\n")
		for name := range content {
			if strings.Contains(name, ".dist-info/") {
				delete(content, name)
			}
		}
		halves = append(halves, writeWheel(t, t.TempDir(), "macosx_12_0_"+arch, content))
	}
	outcomes := map[string]map[string]string{}
	for _, who := range []string{"theirs", "ours"} {
		out := t.TempDir()
		if who == "theirs" {
			apple(t, nil, "delocate-merge", "-w", out, halves[0], halves[1]).must(t)
		} else {
			run(t, nil, filepath.Join(dir, "delocate-merge"), "-w", out, halves[0], halves[1]).must(t)
		}
		names := filesIn(t, out)
		outcomes[who] = map[string]string{"": names[0]}
		for name, content := range members(t, filepath.Join(out, names[0])) {
			switch {
			case strings.Contains(name, ".dist-info/"):
			case isMachO(content):
				for arch, slice := range thin(t, writeFile(t, "fat", content)) {
					outcomes[who][name+" "+arch] = string(slice)
				}
			default:
				outcomes[who][name] = string(content)
			}
		}
	}
	theirs, mine := outcomes["theirs"], outcomes["ours"]
	if len(mine) < 6 {
		t.Errorf("the result has %d parts", len(mine))
	}
	for name := range mine {
		if theirs[name] != mine[name] {
			t.Errorf("%q differs: %.100q, theirs %.100q", name, mine[name], theirs[name])
		}
	}
	if len(theirs) != len(mine) {
		t.Errorf("%d parts, theirs has %d", len(mine), len(theirs))
	}
}

// TestDropInDelocatePatch holds the files of a patched wheel to those of delocate-patch.
func TestDropInDelocatePatch(t *testing.T) {
	if _, err := exec.LookPath("patch"); err != nil {
		t.Skip("no patch, which delocate-patch calls")
	}
	dir := shims(t)
	wheel := writeWheel(t, t.TempDir(), "macosx_12_0_x86_64", map[string][]byte{
		"made/config.py": []byte("a\nb\nc\nd\ne\n"), "made/old.txt": []byte("old\n"), "made/same.txt": []byte("same\n"),
	})
	diff := writeFile(t, "change.diff", []byte("--- x/made/config.py\n+++ y/made/config.py\n@@ -2,3 +2,4 @@\n b\n-c\n+C\n+CC\n d\n--- a/made/old.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-old\n--- /dev/null\n+++ b/made/new.txt\n@@ -0,0 +1 @@\n+new\n"))
	outcomes := map[string]map[string]string{}
	for who, program := range map[string]string{"theirs": peer(t, "delocate-patch"), "ours": filepath.Join(dir, "delocate-patch")} {
		out := t.TempDir()
		run(t, nil, program, "-w", out, wheel, diff).must(t)
		outcomes[who] = map[string]string{}
		for name, content := range members(t, filepath.Join(out, filepath.Base(wheel))) {
			if !strings.Contains(name, ".dist-info/") {
				outcomes[who][name] = string(content)
			}
		}
	}
	if diff := cmp.Diff(outcomes["theirs"], outcomes["ours"]); diff != "" || len(outcomes["ours"]) != 3 {
		t.Errorf("-theirs +ours:\n%s", diff)
	}
}
