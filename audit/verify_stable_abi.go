package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// pythonImports are the symbols of Python that a file imports, sorted.
type pythonImports struct {
	file    string
	symbols []string
}

// claimStableABI adds the claim that a wheel for the stable ABI imports nothing of Python
// that another CPython may lack: what is not in the stable ABI at all, or came later than
// the tags say (PEP 384). Those of abi3t are held to the same list, which PEP 803 shares.
func (p *Proof) claimStableABI() {
	oldest, ok := p.stableVersion()
	if !ok {
		return
	}
	text := fmt.Sprintf("what is imported of Python is in the stable ABI of CPython %d.%d", oldest.Major, oldest.Minor)
	files, err := p.Report.system.pythonImports(p.Report)
	switch {
	case err != nil: // which has a claim of its own
		p.unchecked(TopicStable, text, err.Error(), nil)
		return
	case len(files) == 0: // modules that ctypes or cffi opens need none
		p.claim(TopicStable, text, "no file imports anything of Python", nil)
		return
	}
	var faults []Fault
	used := map[string]bool{}
	for _, f := range files {
		faults = append(faults, unstable(f, oldest)...)
		for _, s := range f.symbols {
			used[s] = true
		}
	}
	order.Stable(faults, func(a, b Fault) int { return cmp.Compare(a.File, b.File) })
	p.claim(TopicStable, text,
		fmt.Sprintf("%s in %s, and CPython's manifest", phrase.Count(len(used), "symbol"), phrase.Count(len(files), "file")), faults)
}

// unstable returns the faults of one file: symbols that no CPython has in its stable ABI,
// and by version those that the oldest one lacks.
func unstable(f pythonImports, oldest policy.Version) []Fault {
	late := map[policy.Version][]string{}
	var never []string
	for _, s := range f.symbols {
		switch since, stable := policy.StableSince(s); {
		case !stable:
			never = append(never, s)
		case since.Major > oldest.Major || since.Major == oldest.Major && since.Minor > oldest.Minor:
			late[since] = append(late[since], s)
		}
	}
	var faults []Fault
	if len(never) > 0 {
		faults = append(faults, Fault{File: f.file, Symbols: never, Reason: "not in the stable ABI"})
	}
	for _, v := range slices.SortedFunc(maps.Keys(late), func(a, b policy.Version) int { return cmp.Compare(a.Minor, b.Minor) }) {
		faults = append(faults, Fault{File: f.file, Symbols: late[v], Reason: fmt.Sprintf("in the stable ABI from CPython %d.%d on, the tag promises %d.%d", v.Major, v.Minor, oldest.Major, oldest.Minor)})
	}
	return faults
}

// stableVersion returns the oldest CPython that the tags for the stable ABI name. A
// tag without a minor version is for all from 3.2 on, which was the first to have one.
func (p *Proof) stableVersion() (oldest policy.Version, ok bool) {
	for _, t := range p.Report.Contents.Filename.Tags() {
		digits, cpython := strings.CutPrefix(t.Python, "cp3")
		if t.ABI != "abi3" && t.ABI != "abi3t" || !cpython {
			continue
		}
		minor := 2
		if digits != "" {
			n, err := strconv.Atoi(digits)
			if err != nil {
				continue
			}
			minor = n
		}
		if !ok || minor < oldest.Minor {
			oldest, ok = policy.Version{Major: 3, Minor: minor}, true
		}
	}
	return oldest, ok
}

// ofPythonAlone returns the symbols among names that are Python's and that no file of the
// wheel defines, sorted.
func ofPythonAlone(names map[string]bool, own map[string]bool) []string {
	var out []string
	for name := range names {
		if isPythons(name) && !own[name] && !strings.HasPrefix(name, "PyInit_") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// withImports drops files that import nothing of Python.
func withImports(names []string, imports []map[string]bool, own map[string]bool) []pythonImports {
	var out []pythonImports
	for i, name := range names {
		if symbols := ofPythonAlone(imports[i], own); len(symbols) > 0 {
			out = append(out, pythonImports{name, symbols})
		}
	}
	return out
}
