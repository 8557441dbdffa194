//go:build integration

package integration

import (
	"debug/elf"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Wheels for other systems are repaired from a sysroot on this machine, and the
// loaders of those systems then load and run them.
func TestCross(t *testing.T) {
	for _, libc := range []struct {
		name    string
		targets []crossTarget
	}{{"glibc", glibcTargets}, {"musl", muslTargets}} {
		for _, target := range libc.targets {
			t.Run(libc.name+"/"+target.arch, func(t *testing.T) {
				t.Parallel()
				target.test(t)
			})
		}
	}
}

// test repairs one wheel in two ways, with the libraries that every user has
// left to the system, and with all of C++ copied in and stripped.
func (c crossTarget) test(t *testing.T) {
	built := c.build(t)
	usual := c.repair(t, built)
	var whole string
	if c.canBringRuntime() {
		runtime := c.cxxRuntime()
		whole = c.repair(t, built, "--strip", "--graft", runtime[0], "--graft", runtime[1])
	}
	remove(t, built.root, built.module)

	if got := platforms(usual); !slices.Contains(got, c.tag) {
		t.Errorf("platforms: got %q, want %s", got, c.tag)
	}
	system := c.systemLibraries()
	if !c.musl() {
		system = append(system, c.cxxRuntime()...)
	}
	t.Run("usual", func(t *testing.T) { c.checkLoads(t, built, usual, system) })
	t.Run("programs", func(t *testing.T) { c.checkPrograms(t, built, usual, system) })
	if whole != "" {
		t.Run("whole", func(t *testing.T) { c.checkLoads(t, built, whole, c.systemLibraries()) })
	}
}

// repair repairs the wheel of a system and asks everyone who can read it about
// the result.
func (c crossTarget) repair(t *testing.T, built crossSystem, flags ...string) string {
	t.Helper()
	flags = append([]string{"--sysroot", built.root}, flags...)
	repaired := repair(t, built.wheel, flags...)
	originals := map[string][]byte{"made/cross.so": readFile(t, built.module)}
	for name := range elfMembers(t, repaired) {
		if m := hashed.FindStringSubmatch(path.Base(name)); m != nil {
			originals[name] = readFile(t, built.original(t, m[1]+m[2]))
		}
	}
	checkContainer(t, repaired)
	checkELF(t, repaired, originals)
	wheelmend(t, "verify", repaired).must(t)
	wheelmend(t, "verify", "--sysroot", built.root, repaired).must(t)
	sameBytes(t, repair(t, repaired, flags...), repaired)
	tree := wheelmend(t, "tree", "--sysroot", built.root, repaired).must(t).stdout
	if strings.Contains(tree, vendorDir) || !strings.Contains(tree, "made.libs/libextra-") {
		t.Errorf("tree of the repaired wheel: want the copies in made.libs and nothing from %s\n%s", vendorDir, tree)
	}

	if !c.musl() {
		checkSameTag(t, repaired)
	}
	return repaired
}

// checkSameTag asserts that audit and auditwheel give a wheel the same tag, and
// that its name has it.
func checkSameTag(t *testing.T, wheel string) {
	t.Helper()
	tag := audit(t, wheel).Tag
	if !slices.Contains(platforms(wheel), tag) {
		t.Errorf("audit of the repaired wheel says %s, its name %q", tag, platforms(wheel))
	}
	if peer := askAuditwheel(t, wheel); peer.OverallTag != tag {
		t.Errorf("auditwheel says %s, wheelmend %s", peer.OverallTag, tag)
	}
}

// canBringRuntime reports whether a wheel with a C++ runtime of this machine's
// age can have a tag: no policy for big-endian PowerPC is younger than 2.17.
func (c crossTarget) canBringRuntime() bool { return c.arch != "ppc64" }

// checkLoads loads a repaired wheel as it is, then after edits with the patch
// command to each of its ELF files, and then after LLVM's strip and another edit.
func (c crossTarget) checkLoads(t *testing.T, built crossSystem, wheel string, system []string) {
	t.Helper()
	dir, libraries := unpack(t, wheel), t.TempDir()
	c.copyLibs(t, libraries, system...)
	count := len(elfMembers(t, wheel))
	c.load(t, built.host, dir, libraries).check(t, built.before, dir, count, system)
	c.patchAll(t, dir)
	c.load(t, built.host, dir, libraries).check(t, built.before, dir, count, system)
	stripAll(t, dir)
	c.load(t, built.host, dir, libraries).check(t, built.before, dir, count, system)
	patched := map[string][]byte{}
	for _, folder := range []string{"made", "made.libs"} {
		for _, name := range filesIn(t, filepath.Join(dir, folder)) {
			patched[folder+"/"+name] = readFile(t, filepath.Join(dir, folder, name))
		}
	}
	tags := platforms(wheel)
	checkSameTag(t, writeWheel(t, t.TempDir(), tags[len(tags)-1], patched))
}

// checkPrograms gives host programs the loader and the search path that they need
// to run without help, and runs them: as they came from the linker, and without
// section headers, so that the program headers move.
func (c crossTarget) checkPrograms(t *testing.T, built crossSystem, wheel string, system []string) {
	t.Helper()
	dir, libraries, out := unpack(t, wheel), t.TempDir(), t.TempDir()
	c.copyLibs(t, libraries, system...)
	for _, kind := range []string{"-pie", "-no-pie"} {
		host := filepath.Join(out, "host"+kind)
		c.compile(t, host, "host.c", kind, "-ldl")
		for _, name := range []string{"with-sections", "bare"} {
			if name == "bare" {
				hideSections(t, host)
			}
			patched := host + "-" + name
			wheelmend(t, "patch", "--set-interpreter", c.lib(t, c.loader), "--set-rpath", libraries, "-o", patched, host).must(t)
			c.execute(t, patched, dir).check(t, built.before, dir, len(elfMembers(t, wheel)), system)
		}
	}
}

// Files of architectures that no wheel is for are laid out as in a repaired wheel,
// and the patch command makes them find each other.
func TestCrossPatch(t *testing.T) {
	for _, c := range patchTargets {
		t.Run(c.arch, func(t *testing.T) {
			t.Parallel()
			dir, libraries := t.TempDir(), t.TempDir()
			libs, host := filepath.Join(dir, "made.libs"), filepath.Join(t.TempDir(), "host")
			c.compileAll(t, filepath.Join(libs, "libextra.so.1"), filepath.Join(libs, "libdep.so.2"), filepath.Join(dir, "made", "cross.so"), host)
			system := append(c.systemLibraries(), c.cxxRuntime()...)
			c.copyLibs(t, libraries, system...)
			before := c.load(t, host, dir, libs, libraries)
			c.patchAll(t, dir)
			c.load(t, host, dir, libraries).check(t, before, dir, 3, system)
		})
	}
}

// stripAll has LLVM's strip rewrite what patch has written, where there are
// section headers to go by, and patches it again.
func stripAll(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "made*", "*.so*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if f.Close(); len(f.Sections) == 0 {
			continue
		}
		run(t, nil, "llvm-strip", file).must(t)
		wheelmend(t, "patch", "--add-rpath", "/and/after/strip/"+strings.Repeat("again/", 20), file).must(t)
	}
}

// patchAll gives every library of an unpacked wheel a longer name and every ELF
// file longer search paths, of the other kind, one edit after the other. musl gets
// the name that it has on Alpine Linux, the only one that auditwheel knows.
func (c crossTarget) patchAll(t *testing.T, dir string) {
	t.Helper()
	libs := filesIn(t, filepath.Join(dir, "made.libs"))
	longer := func(name string) string {
		return strings.Replace(name, ".so", "-with-a-name-that-is-a-good-deal-longer.so", 1)
	}
	patch := func(file string, searchPath ...string) {
		var args []string
		for _, needed := range strings.Fields(wheelmend(t, "patch", "--print-needed", file).must(t).stdout) {
			if slices.Contains(libs, needed) {
				args = append(args, "--replace-needed", needed+"="+longer(needed))
			}
			if needed == "libc.so" {
				args = append(args, "--replace-needed", needed+"="+c.alpine())
			}
		}
		wheelmend(t, append(append([]string{"patch", "--set-runpath", strings.Join(searchPath, ":")}, args...), file)...).must(t)
		wheelmend(t, "patch", "--add-rpath", "/nowhere/"+strings.Repeat("at-all/", 20), "--strip", file).must(t)
	}
	patch(filepath.Join(dir, "made", "cross.so"), "$ORIGIN/../made.libs")
	for _, name := range libs {
		file := filepath.Join(dir, "made.libs", name)
		patch(file, "$ORIGIN")
		wheelmend(t, "patch", "--set-soname", longer(name), file).must(t)
		if err := os.Rename(file, filepath.Join(dir, "made.libs", longer(name))); err != nil {
			t.Fatal(err)
		}
	}
}
