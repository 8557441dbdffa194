package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// ownerFor tells whose libraries are that a wheel with some tags need not hold. Without
// tags it is one of any Python. What is to be copied in whoever has it is nobody's.
func ownerFor(tags []wheel.Tag, graft []string) func(arch, name string) linkage.RuleKind {
	if len(tags) == 0 {
		tags = []wheel.Tag{{Python: "cp39", ABI: "cp39"}}
	}
	type interpreter struct{ python, abi string }
	var interpreters []interpreter
	for _, t := range tags {
		if i := (interpreter{t.Python, t.ABI}); !slices.Contains(interpreters, i) {
			interpreters = append(interpreters, i)
		}
	}
	return func(arch, name string) linkage.RuleKind {
		machine := windowsMachines[arch]
		if slices.ContainsFunc(graft, func(pattern string) bool { return linkage.MatchPattern(strings.ToLower(pattern), name) }) {
			return linkage.NoRule
		}
		if _, python := policy.PythonDLL(name); python {
			return linkage.PartOfPython
		}
		if policy.APISet(name) {
			return linkage.APISet
		}
		if policy.SystemDLL(machine, name) {
			return linkage.PartOfWindows
		}
		brings := func(i interpreter) bool { return policy.PythonBrings(i.python, i.abi, machine, name) }
		if !slices.ContainsFunc(interpreters, func(i interpreter) bool { return !brings(i) }) {
			return linkage.PartOfPython
		}
		return linkage.NoRule
	}
}

// Limits on the Python code that is read for folders that it adds, in bytes.
const (
	maxPython  = 1 << 20 // of one file: what adds folders stands at the top of a package
	maxPythons = 1 << 28 // of all files
	maxSpoken  = 1 << 25 // of those that speak of libraries
)

// adds matches what adds a folder to the search of Windows, and opens what loads a library
// by its path.
var (
	adds   = regexp.MustCompile(`\badd_dll_directory\b|\bAddDllDirectory\b|\bSetDllDirectory[AW]?\b`)
	opens  = regexp.MustCompile(`\bWinDLL\b|\bCDLL\b|\bPyDLL\b|\bLoadLibrary(?:Ex)?[AW]?\b|\bcdll\b|\bwindll\b`)
	quoted = regexp.MustCompile(`'([^'"\\\r\n]{1,200})'|"([^'"\\\r\n]{1,200})"`)
)

// addedDirs returns the folders with PE files that Python code of the wheel speaks of
// where it adds folders to the search of Windows, or loads libraries by their paths. What
// code does is not known without running it: a folder counts if the file that adds folders
// names it, or lies in it and asks for its own place.
func (c *Contents) addedDirs() ([]linkage.AddedDir, error) {
	s := newSpoken(c.of(PE))
	all, speaking := budget.New(maxPythons, "bytes of Python code"), budget.New(maxSpoken, "bytes of Python code that loads libraries")
	for _, m := range c.Reader.Members() {
		if path.Ext(m.Name) != ".py" || m.IsDir() || m.Size > maxPython {
			continue
		}
		if err := all.Spend(m.Name, int(m.Size)); err != nil {
			return nil, err
		}
		text, err := readText(m)
		if err != nil {
			return nil, err
		}
		if !speaks(text) {
			continue
		}
		if err := speaking.Spend(m.Name, len(text)); err != nil {
			return nil, err
		}
		if opening := opens.Match(text); opening || adds.Match(text) {
			s.read(m.Name, text, opening)
		}
	}
	return s.dirs(), nil
}

// speaks reports whether a text may add folders or load libraries: it is asked of all.
func speaks(text []byte) bool {
	for _, word := range []string{"dll", "DLL", "Dll", "LoadLibrary"} {
		if bytes.Contains(text, []byte(word)) {
			return true
		}
	}
	return false
}

// A spoken collects the folders that Python files speak of.
type spoken struct {
	byName map[string][]string // folders with libraries, by their path and by its last element
	known  map[string]bool     // names that were looked up, with whether their file loads libraries
	found  map[string]linkage.AddedDir
}

func newSpoken(files []*Binary) *spoken {
	s := &spoken{byName: map[string][]string{}, known: map[string]bool{}, found: map[string]linkage.AddedDir{}}
	seen := map[string]bool{}
	for _, b := range files {
		dir := path.Dir(b.Member.Name)
		if seen[dir] || !b.PE().IsDLL() {
			continue
		}
		seen[dir] = true
		s.byName[dir] = append(s.byName[dir], dir)
		if base := path.Base(dir); base != dir {
			s.byName[base] = append(s.byName[base], dir)
		}
	}
	return s
}

// read takes up the folders that a file names by their last element, or by a path that ends
// so, and its own folder if it asks where it lies.
func (s *spoken) read(member string, text []byte, loads bool) {
	if own := path.Dir(member); slices.Contains(s.byName[own], own) && bytes.Contains(text, []byte("__file__")) {
		s.add(own, member, loads)
	}
	for _, m := range quoted.FindAllSubmatch(text, -1) {
		literal := path.Clean(strings.ReplaceAll(string(m[1])+string(m[2]), `\`, "/"))
		s.name(strings.TrimPrefix(literal, "../"), member, loads)
		s.name(path.Base(literal), member, loads)
	}
}

// name takes up the folders of a name, which counts once.
func (s *spoken) name(name, member string, loads bool) {
	key := name
	if loads {
		key += "\x00"
	}
	if name == "." || s.known[key] {
		return
	}
	s.known[key] = true
	for _, dir := range s.byName[name] {
		s.add(dir, member, loads)
	}
}

func (s *spoken) add(dir, member string, loads bool) {
	if was, ok := s.found[dir]; !ok || loads && !was.Loads {
		s.found[dir] = linkage.AddedDir{Dir: dir, By: member, Loads: loads}
	}
}

// dirs returns what was found, sorted.
func (s *spoken) dirs() []linkage.AddedDir {
	var dirs []linkage.AddedDir
	for _, dir := range slices.Sorted(maps.Keys(s.found)) {
		dirs = append(dirs, s.found[dir])
	}
	return dirs
}

func readText(m *wheel.Member) (text []byte, err error) {
	content, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	if text, err = io.ReadAll(io.LimitReader(content, maxPython)); err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return text, nil
}

// windowsSuffix takes the name of a module apart: its stem, and the tag of Python and
// that of the platform (CPython, PC/pyconfig.h, PYD_TAGGED_SUFFIX; PyPy likewise).
var windowsSuffix = regexp.MustCompile(`^([^.]+)\.(?:(cp\d+[a-z]*)|pypy(\d+)-(pp\d+)|(abi3t?))(?:-(win32|win_amd64|win_arm64|win_arm32))?\.pyd$`)

// notImportable tells why none of the Pythons that the tags name looks for a module of
// that file name, "" if one does.
func (w *windows) notImportable(p *Proof, base string) string {
	m := windowsSuffix.FindStringSubmatch(base)
	switch {
	case m == nil:
		return "" // a plain .pyd serves every Python
	case m[5] != "":
		return "Python on Windows looks for no name with " + m[5] + " in it, but for a plain .pyd"
	case m[6] != "" && m[6] != windowsTag(w.arch):
		return fmt.Sprintf("its name is for %s, Python on %s does not look for it", m[6], windowsTag(w.arch))
	}
	for _, t := range p.Report.Contents.Filename.Tags() {
		if m[2] != "" && (t.ABI == m[2] || t.ABI == "none" && (t.Python == m[2] || strings.HasPrefix(t.Python, "py"))) {
			return ""
		}
		if m[3] != "" && (t.ABI == "pypy"+m[3]+"_"+m[4] || t.Python == "pp"+m[3]) {
			return ""
		}
	}
	return "its name is for another Python than the tags"
}

// claimPythons adds the claim that the modules load the library of a Python that the tags
// name: another one is a second Python in the process, or is not there.
func (w *windows) claimPythons(p *Proof) {
	var faults []Fault
	used := map[string]bool{}
	for _, l := range p.loads() {
		lib, python := policy.PythonDLL(l.need.Name)
		if !python {
			continue
		}
		used[strings.ToLower(l.need.Name)] = true
		tags := p.Report.Contents.Filename.Tags()
		if !slices.ContainsFunc(tags, func(t wheel.Tag) bool { return loadsPython(t, lib) }) {
			faults = append(faults, l.fault("it is the library of another Python than the tags name"))
		}
	}
	p.claim(TopicABI, "the modules load the library of a Python that the tags name", pythonsUsed(used), faults)
}

func pythonsUsed(used map[string]bool) string {
	if len(used) == 0 {
		return "none loads any"
	}
	return strings.Join(slices.Sorted(maps.Keys(used)), ", ")
}

// loadsPython reports whether the Python of a tag has loaded a library of Python.
func loadsPython(t wheel.Tag, lib policy.PythonLibrary) bool {
	if lib.Foreign {
		return false
	}
	switch t.ABI {
	case "abi3", "abi3t":
		return lib.Implementation == "cp" && lib.Stable && lib.FreeThreaded == (t.ABI == "abi3t")
	case "none":
		return lib.Stable || sameVersion(t.Python, lib)
	}
	abi, threaded := t.ABI, false
	if digits, ok := strings.CutPrefix(abi, "cp"); ok {
		flags := strings.TrimLeft(digits, "0123456789")
		threaded = strings.Contains(flags, "t")
		return lib.Implementation == "cp" && lib.FreeThreaded == threaded && lib.Debug == strings.Contains(flags, "d") && (lib.Stable || sameVersion(t.Python, lib))
	}
	return lib.Implementation == t.Python[:min(2, len(t.Python))] && sameVersion(t.Python, lib) || strings.HasPrefix(abi, lib.Implementation)
}

// sameVersion compares the version in a Python tag, as in cp312, with that of a library,
// which may not tell its minor one.
func sameVersion(tag string, lib policy.PythonLibrary) bool {
	digits := strings.TrimLeft(tag, "abcdefghijklmnopqrstuvwxyz")
	if digits == "" || digits[:1] != strconv.Itoa(lib.Major) {
		return false
	}
	minor, err := strconv.Atoi(digits[1:])
	return err != nil || lib.Minor == 0 && lib.Implementation != "cp" || minor == lib.Minor
}
