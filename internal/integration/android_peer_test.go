//go:build integration

package integration

import (
	"bytes"
	"debug/elf"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// An androidCase is a wheel for Android that wheelmend and auditwheel repair.
type androidCase struct {
	name, tags   string
	wheel, libs  string   // specs for wheeltest; $LIBS is the folder with the libraries
	ldpaths      string   // the folder of $LIBS that --ldpaths names, "-" for none
	flags        []string // of both tools
	refused      bool     // by both
	ours, theirs string   // lines of one outcome alone; "" if they are the same
	told         string   // how docs/differences.md begins to tell why
}

// TestAndroidRepairBesidePeer repairs made wheels: the same grafts under the same names,
// the same libraries and search paths, the same file name, apart from what
// docs/differences.md tells. What is repaired holds.
func TestAndroidRepairBesidePeer(t *testing.T) {
	for _, tt := range androidWheels {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			libs := t.TempDir()
			fill := func(s string) string { return strings.ReplaceAll(s, "$LIBS", libs) }
			if err := wheeltest.WriteLibs(libs, fill(tt.libs)); err != nil {
				t.Fatal(err)
			}
			name := "demo-1.0-cp313-cp313-" + tt.tags + ".whl"
			image, err := wheeltest.Build(name, fill(tt.wheel))
			if err != nil {
				t.Fatal(err)
			}
			flags := tt.flags
			if tt.ldpaths != "-" {
				flags = append(slices.Clone(flags), "--ldpaths", filepath.Join(libs, tt.ldpaths))
			}
			ours, theirs := androidOutcomes(t, writeFile(t, name, image), flags...)
			if refused := ours[0] == refusal && theirs[0] == refusal; refused != tt.refused {
				t.Errorf("refused by both is %v, want %v", refused, tt.refused)
			}
			checkApart(t, ours, theirs, tt.ours, tt.theirs, tt.told)
		})
	}
}

// androidOutcomes repairs a wheel with both tools, and holds what wheelmend has written
// to verify and to other readers of wheels.
func androidOutcomes(t *testing.T, wheel string, flags ...string) (ours, theirs []string) {
	t.Helper()
	dir := t.TempDir()
	args := append(append([]string{"repair", "-w", filepath.Join(dir, "ours")}, flags...), wheel)
	ours = androidOutcome(t, wheelmend(t, args...), filepath.Join(dir, "ours"))
	if ours[0] != refusal {
		written := filepath.Join(dir, "ours", ours[0])
		wheelmend(t, append([]string{"verify", written}, excludes(flags)...)...).must(t)
		checkContainer(t, written)
	}
	args[2] = filepath.Join(dir, "theirs")
	env := []string{"PATH=" + filepath.Dir(peer(t, "patchelf")) + ":" + os.Getenv("PATH")}
	r := run(t, env, peer(t, "python"), append([]string{"-m", "auditwheel"}, args...)...)
	return ours, androidOutcome(t, r, filepath.Join(dir, "theirs"))
}

// excludes are the flags of a repair that verify has to know.
func excludes(flags []string) []string {
	if i := slices.Index(flags, "--exclude"); i >= 0 {
		return flags[i : i+2]
	}
	return nil
}

// androidOutcome is what a tool has done: the name of the wheel, its tags, and of each
// image what it is called, needs and searches; or that it has refused.
func androidOutcome(t *testing.T, r result, dir string) []string {
	t.Helper()
	if r.code != 0 {
		t.Logf("%s: %s", filepath.Base(dir), r.stderr)
		return []string{refusal}
	}
	files := filesIn(t, dir)
	if len(files) != 1 {
		t.Fatalf("%s: left %q, want one wheel\n%s", strings.Join(r.args, " "), files, r.stderr)
	}
	content := members(t, filepath.Join(dir, files[0]))
	lines := []string{files[0]}
	for _, name := range slices.Sorted(maps.Keys(content)) {
		switch {
		case strings.HasSuffix(name, ".dist-info/WHEEL"):
			lines = append(lines, tagLines.FindAllString(string(content[name]), -1)...)
		case bytes.HasPrefix(content[name], []byte(elf.ELFMAG)):
			lines = append(lines, name+dynamicNames(t, content[name]))
		}
	}
	return lines
}

// dynamicNames tells the names in a dynamic table, in its order.
func dynamicNames(t *testing.T, image []byte) string {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, tag := range []elf.DynTag{elf.DT_SONAME, elf.DT_NEEDED, elf.DT_RPATH, elf.DT_RUNPATH} {
		names, err := f.DynString(tag)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text += " " + strings.ToLower(strings.TrimPrefix(tag.String(), "DT_")) + "=" + name
		}
	}
	return text
}

// TestAndroidWheelsBesidePeer repairs published wheels with both, and holds what the
// commands say of each to what readelf and auditwheel say.
func TestAndroidWheelsBesidePeer(t *testing.T) {
	for _, name := range listed(t, "android.txt") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wheel := cached(t, "android", name)
			ours, theirs := androidOutcomes(t, wheel, "--ldpaths", t.TempDir())
			checkApart(t, ours, theirs, "", "", "")
			if ours[0] != name || len(ours) < 3 {
				t.Errorf("our outcome is %q, want a wheel of the same name with ELF files", ours)
			}
			if p := verify(t, wheel); !p.Holds {
				t.Errorf("verify says that %q do not hold", p.topics("fails"))
			}
			checkAndroidFacts(t, wheel)
			show := []string{"show", "--json", wheel}
			their := decodeObject(t, run(t, nil, peer(t, "auditwheel"), show...).must(t).stdout)
			our := decodeObject(t, run(t, nil, filepath.Join(shims(t), "auditwheel"), show...).must(t).stdout)
			if diff := cmp.Diff(their, our); diff != "" {
				t.Errorf("auditwheel show (-auditwheel +wheelmend):\n%s", diff)
			}
		})
	}
}

// checkAndroidFacts reads with other code what verify, audit and tree say of a wheel:
// segments and notes by debug/elf, names by the wheel itself.
func checkAndroidFacts(t *testing.T, wheel string) {
	t.Helper()
	images := elfMembers(t, wheel)
	tree := wheelmend(t, "tree", wheel).must(t).stdout
	audited := wheelmend(t, "audit", wheel).must(t).stdout
	for name, image := range images {
		f, err := elf.NewFile(bytes.NewReader(image))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_LOAD && p.Align < 0x4000 {
				t.Errorf("%s: segments are aligned to %#x, and verify says that the claims hold", name, p.Align)
			}
		}
		if note := f.Section(".note.android.ident"); note != nil {
			b, err := note.Data()
			if err != nil {
				t.Fatal(err)
			}
			// The descriptor follows the header and the name, "Android" and a zero byte.
			if level := f.ByteOrder.Uint32(b[20:]); level > 24 {
				t.Errorf("%s: is built for API level %d, and verify says that the claims hold", name, level)
			}
		}
		needed, err := f.ImportedLibraries()
		if err != nil {
			t.Fatal(err)
		}
		for _, library := range needed {
			want := library + " => part of Android\n"
			for member := range images {
				if path.Base(member) == library {
					want = library + " => " + member + "  (DT_RUNPATH "
				}
			}
			if !strings.Contains(tree, want) {
				t.Errorf("tree does not say %q:\n%s", want, tree)
			}
			if strings.HasSuffix(want, "Android\n") && !slices.Contains(strings.Fields(audited), library) {
				t.Errorf("audit does not say that %s is the system's:\n%s", library, audited)
			}
		}
	}
}

// TestAndroidGraftBesidePeer takes the library that auditwheel has grafted out of a
// published wheel again, and has both tools bring it back: C++'s own, as the NDK has it.
func TestAndroidGraftBesidePeer(t *testing.T) {
	const module, graft = "zmq/backend/cython/_zmq.cpython-314-aarch64-linux-android.so", "libc++_shared-d523468d.so"
	unpacked, libs, out := t.TempDir(), t.TempDir(), t.TempDir()
	run(t, nil, peer(t, "python"), "-m", "wheel", "unpack", "--dest", unpacked, cached(t, "android", "pyzmq-*.whl")).must(t)
	unpacked = filepath.Join(unpacked, "pyzmq-27.3.0")
	library := filepath.Join(libs, "libc++_shared.so")
	if err := os.Rename(filepath.Join(unpacked, "pyzmq.libs", graft), library); err != nil {
		t.Fatal(err)
	}
	run(t, nil, peer(t, "patchelf"), "--set-soname", "libc++_shared.so", library).must(t)
	run(t, nil, peer(t, "patchelf"), "--remove-rpath", "--replace-needed", graft, "libc++_shared.so", filepath.Join(unpacked, module)).must(t)
	run(t, nil, peer(t, "python"), "-m", "wheel", "pack", "--dest-dir", out, unpacked).must(t)

	ours, theirs := androidOutcomes(t, filepath.Join(out, filesIn(t, out)[0]), "--ldpaths", libs)
	checkApart(t, ours, theirs, "", "", "")
	if last := ours[len(ours)-1]; !strings.Contains(last, " runpath=$ORIGIN/../../../pyzmq.libs") || !strings.Contains(last, " needed=libc++_shared-") {
		t.Errorf("the module is %q, want it to need a graft of pyzmq.libs", last)
	}
}
