// Lowering-table writes the tables of policy/lower again: which older version of a symbol of
// glibc is the same code, by what real C libraries say, and what each curated row means on
// each architecture.
//
//	go run ./scripts/lowering-table [-o policy/lower/data] CACHE
//
// CACHE is the folder that scripts/setup-libc and scripts/setup-glibc fill. Two versions of a symbol are the
// same if they have one address and type in every C library that has both. What a release
// after Debian 13 adds is not taken up by itself: it can only contradict.
package main

import (
	"bytes"
	"cmp"
	stdelf "debug/elf"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/policy/lower"
)

// suites are the releases of Debian with different versions of glibc, the oldest first.
// Rows are made from one of them, the others confirm them.
var suites = []string{"bullseye", "bookworm", "trixie", "sid"}

// base returns the release that the rows of an architecture are made from.
func base(arch policy.Arch) string {
	switch arch {
	case policy.PPC64LE, policy.S390X: // not everybody has those of trixie
		return "bookworm"
	}
	return "trixie"
}

func main() {
	out := flag.String("o", "policy/lower/data", "write the tables into this `folder`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: lowering-table [-o FOLDER] CACHE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "lowering-table:", err)
		os.Exit(1)
	}
}

func run(out, cache string) error {
	oldest, err := readRelease(filepath.Join(cache, "glibc", "2.17", "lib"))
	if err != nil || oldest == nil {
		return errors.Join(errors.New("glibc 2.17 is not there"), err)
	}
	homes := map[string]string{} // where the oldest C library has a symbol, on any architecture
	for name, all := range oldest.symbols {
		first := slices.MinFunc(all, func(a, b definition) int { return policy.CompareVersions(a.version, b.version) })
		homes[name] = first.library
	}
	libraries := filepath.Join(cache, "libc")
	for _, arch := range lower.Archs() {
		t, err := readTable(libraries, arch, homes)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		if err := os.WriteFile(filepath.Join(out, string(arch)+".txt"), t.encode(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A definition is a symbol that a C library defines.
type definition struct {
	library, name, version string
	value                  uint64
	kind                   stdelf.SymType
}

// A release is what the libraries of one glibc define.
type release struct {
	symbols  map[string][]definition    // by name
	versions map[string]map[string]bool // that each library defines
}

func (r *release) find(name, version string) (definition, bool) {
	for _, d := range r.symbols[name] {
		if d.version == version {
			return d, true
		}
	}
	return definition{}, false
}

func readRelease(dir string) (*release, error) {
	var paths []string
	for _, name := range parts {
		if path := filepath.Join(dir, name); exists(path) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	r := &release{symbols: map[string][]definition{}, versions: map[string]map[string]bool{}}
	for _, path := range paths {
		if err := r.read(path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return r, nil
}

// parts are the libraries of glibc that are looked at.
var parts = []string{"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2", "libanl.so.1"}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (r *release) read(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	f, err := elf.NewFile(in, info.Size())
	if err != nil {
		return err
	}
	library := filepath.Base(path)
	defs, err := f.VersionDefs()
	if err != nil {
		return err
	}
	r.versions[library] = map[string]bool{}
	for _, d := range defs {
		r.versions[library][d.Name] = true
	}
	for s, err := range f.Symbols() {
		if err != nil {
			return err
		}
		if s.Undefined() || s.Version == "" || s.Value == 0 {
			continue
		}
		r.symbols[s.Name] = append(r.symbols[s.Name], definition{library, s.Name, s.Version, s.Value, s.Type})
	}
	return nil
}

// A table is the rows of one architecture.
type table struct {
	arch     policy.Arch
	releases map[string]*release
	homes    map[string]string
	rows     map[string][]string // by heading
}

func readTable(libraries string, arch policy.Arch, homes map[string]string) (*table, error) {
	t := &table{arch: arch, releases: map[string]*release{}, homes: homes, rows: map[string][]string{}}
	for _, suite := range suites {
		r, err := readRelease(filepath.Join(libraries, string(arch), suite))
		if err != nil {
			return nil, err
		}
		if r != nil {
			t.releases[suite] = r
		}
	}
	if t.releases[base(arch)] == nil {
		return nil, fmt.Errorf("the libraries of %s are not there", base(arch))
	}
	if old := t.releases["bullseye"]; old != nil {
		for name, all := range old.symbols {
			for _, d := range all {
				if _, known := homes[name]; !known {
					homes[name] = d.library
				}
			}
		}
	}
	t.same()
	return t, t.curated()
}

// public reports whether a version is one that programs may ask for.
func public(version string) bool {
	return strings.HasPrefix(version, "GLIBC_2.") && policy.CompareVersions(version, "GLIBC_2.41") <= 0
}

func code(d definition) bool { return d.kind == stdelf.STT_FUNC || d.kind == stdelf.STT_GNU_IFUNC }

// never are symbols that behave otherwise in older C libraries though the code is one:
// __libc_start_main of glibc before 2.34 runs no constructors of a program that was linked
// for a later one (glibc 2.34 NEWS).
var never = []string{"__libc_start_main"}

// wideTime reports whether a symbol is for files of a 32-bit system that have a 64-bit
// time_t: its code may be that of another function today, but an older one of that name
// does not translate the structures and options with times for older kernels (glibc 2.34 NEWS).
func (t *table) wideTime(d definition) bool {
	if t.arch != policy.I686 && t.arch != policy.ARMV7L || policy.CompareVersions(d.version, "GLIBC_2.34") < 0 {
		return false
	}
	return strings.Contains(d.name, "time64") || strings.HasPrefix(d.name, "__") && strings.HasSuffix(d.name, "64")
}

// placeholder reports whether a symbol keeps a version of a library alive that has moved
// into another: no file asks for it.
func placeholder(d definition) bool { return strings.HasSuffix(d.name, "_version_placeholder") }

// quad reports whether a function is named for the type _Float128, which glibc has since
// 2.26 (its NEWS). Where long double is that type the code may be older: files that use such
// names are refused below 2.26 on all architectures alike.
func quad(name string) bool {
	return strings.Contains(name, "f128") || strings.Contains(name, "ieee128")
}

// floor is the version that the oldest policy promises: nobody asks for less.
const floor = "GLIBC_2.5"

// same finds the older versions and names that are the same code.
func (t *table) same() {
	at := map[string]map[uint64][]definition{} // by library and address
	for _, all := range t.releases[base(t.arch)].symbols {
		for _, d := range all {
			if !public(d.version) || !code(d) || slices.Contains(never, d.name) || t.wideTime(d) || placeholder(d) {
				continue
			}
			if at[d.library] == nil {
				at[d.library] = map[uint64][]definition{}
			}
			at[d.library][d.value] = append(at[d.library][d.value], d)
		}
	}
	for _, addresses := range at {
		for _, group := range addresses {
			for _, newer := range group {
				for _, older := range t.standIns(newer, group) {
					t.add(newer, older, lower.Same)
				}
			}
		}
	}
}

// standIns returns what of the same code is older: under the same name, else under others.
func (t *table) standIns(newer definition, group []definition) []definition {
	var own, others []definition
	if policy.CompareVersions(newer.version, floor) <= 0 {
		return nil
	}
	for _, older := range group {
		if older.kind != newer.kind || policy.CompareVersions(older.version, newer.version) >= 0 || !t.agreed(newer, older) {
			continue
		}
		if quad(newer.name) && policy.CompareVersions(older.version, "GLIBC_2.26") < 0 {
			continue
		}
		if older.name == newer.name {
			own = append(own, older)
		} else if !strings.HasPrefix(older.name, "_") || older.name == "__"+newer.name {
			others = append(others, older)
		}
	}
	if len(own) == 0 {
		own = others
	}
	return own
}

// agreed reports whether all releases that have both agree that they are one.
func (t *table) agreed(newer, older definition) bool {
	for _, r := range t.releases {
		a, okA := r.find(newer.name, newer.version)
		b, okB := r.find(older.name, older.version)
		if okA && okB && (a.value != b.value || a.library != b.library || a.kind != b.kind) {
			return false
		}
	}
	return true
}

// home returns the library that has a symbol in old releases, and whether the newer ones
// still define its version for it.
func (t *table) home(d definition) (string, bool) {
	home := d.library
	if was, ok := t.homes[d.name]; ok {
		home = was
	}
	for _, r := range t.releases {
		if _, there := r.find(d.name, d.version); there && !r.versions[home][d.version] {
			return "", false
		}
	}
	return home, true
}

func (t *table) add(newer, older definition, class lower.Class) {
	home, ok := t.home(older)
	if !ok {
		return
	}
	name := newer.name
	if older.name != newer.name {
		name += "=" + older.name
	}
	heading := fmt.Sprintf("%s %s %s %s %s", newer.library, newer.version, class, home, older.version)
	if !slices.Contains(t.rows[heading], name) {
		t.rows[heading] = append(t.rows[heading], name)
	}
}

// curated works out what each curated row means on the architecture.
func (t *table) curated() error {
	for _, c := range lower.Choices() {
		for _, pair := range c.Names {
			name, target, _ := strings.Cut(pair, "=")
			target = cmp.Or(target, name)
			newer, ok := t.releases[base(t.arch)].find(name, c.Version)
			if !ok {
				continue
			}
			for _, older := range t.releases[base(t.arch)].symbols[target] {
				// The version that is replaced may be the first of an architecture.
				if policy.CompareVersions(older.version, c.Version) < 0 && public(older.version) && code(older) {
					t.add(newer, older, c.Class)
				}
			}
		}
	}
	return nil
}

const head = `# What stands in for newer symbols of glibc on %s: under each heading, the symbols of that
# library and version; those of the last two words stand in for them, under another name
# behind a =. Made by scripts/lowering-table from glibc 2.31, 2.36, 2.41 and what came after.
`

// encode writes the rows, sorted, in lines of a readable length.
func (t *table) encode() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, head, t.arch)
	for _, heading := range slices.SortedFunc(maps.Keys(t.rows), policy.CompareVersions) {
		fmt.Fprintf(&out, "\n%s\n", heading)
		line := " "
		for _, name := range slices.Sorted(slices.Values(t.rows[heading])) {
			if len(line)+1+len(name) > 110 {
				fmt.Fprintln(&out, line)
				line = " "
			}
			line += " " + name
		}
		fmt.Fprintln(&out, line)
	}
	return out.Bytes()
}
