package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/policy"
)

// Auditwheel is the document of `auditwheel show --json`, version 1.
type Auditwheel struct {
	Version          int                          `json:"version"`
	Wheel            string                       `json:"wheel"`
	Pure             bool                         `json:"pure"`
	OverallTag       string                       `json:"overall_tag"`
	SymTag           string                       `json:"sym_tag"` // as far as symbol versions are concerned
	PyFPE            bool                         `json:"pyfpe"`
	UCS2             bool                         `json:"ucs2"`
	UnsupportedISA   bool                         `json:"unsupported_isa"`
	VersionedSymbols map[string][]string          `json:"versioned_symbols"`
	ExternalLibs     map[string]*string           `json:"external_libs"` // that the strictest policy does not promise
	PolicyUpgrades   map[string]AuditwheelUpgrade `json:"policy_upgrades"`
}

// AuditwheelUpgrade is what keeps a wheel from a stricter policy.
type AuditwheelUpgrade struct {
	Libraries []string            `json:"libs_to_eliminate,omitempty"`
	Symbols   map[string][]string `json:"blacklisted_symbols,omitempty"`
}

// AuditwheelPure is the document of a wheel without binaries.
type AuditwheelPure struct {
	Version int    `json:"version"`
	Wheel   string `json:"wheel"`
	Pure    bool   `json:"pure"`
}

// AuditwheelFailure is the document of a wheel that is none for Linux.
type AuditwheelFailure struct {
	Version int    `json:"version"`
	Wheel   string `json:"wheel"`
	Error   string `json:"error"`
}

// NewAuditwheel returns what auditwheel would say of a wheel with ELF files.
func NewAuditwheel(r *audit.Report) Auditwheel {
	a := Auditwheel{
		Version: 1, Wheel: r.Wheel, OverallTag: r.Tag(), SymTag: symbolTag(r),
		VersionedSymbols: map[string][]string{}, ExternalLibs: map[string]*string{}, PolicyUpgrades: map[string]AuditwheelUpgrade{},
	}
	if len(r.Verdicts) == 0 {
		return a
	}
	strictest := &r.Verdicts[0]
	for library, versions := range r.WantedVersions(strictest) {
		if !policy.IsLoader(library) { // which auditwheel passes over
			slices.Sort(versions)
			a.VersionedSymbols[library] = versions
		}
	}
	for _, b := range strictest.Blockers {
		a.UnsupportedISA = a.UnsupportedISA || b.Kind == audit.KindISA
		a.PyFPE = a.PyFPE || b.Kind == audit.KindPython && anyPrefix(b.Symbols, "PyFPE_")
		a.UCS2 = a.UCS2 || b.Kind == audit.KindPython && anyPrefix(b.Symbols, "PyUnicodeUCS2_")
	}
	for _, l := range r.Libraries(strictest) {
		if l.Action == audit.Graft || l.Action == audit.Missing {
			a.ExternalLibs[l.Soname] = optional(l.Path)
		}
	}
	for i := range r.Verdicts {
		if &r.Verdicts[i] == r.Best() {
			break
		}
		if up := newUpgrade(r, &r.Verdicts[i]); len(up.Libraries)+len(up.Symbols) > 0 {
			a.PolicyUpgrades[r.Verdicts[i].Policy.Tag()] = up
		}
	}
	return a
}

func anyPrefix(names []string, prefix string) bool {
	return slices.ContainsFunc(names, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// symbolTag returns the tag of the strictest policy that promises every version.
func symbolTag(r *audit.Report) string {
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; !slices.ContainsFunc(v.Blockers, func(b audit.Blocker) bool { return b.Kind == audit.KindVersion }) {
			return v.Policy.Tag()
		}
	}
	return "linux_" + string(r.Arch)
}

func newUpgrade(r *audit.Report, v *audit.Verdict) AuditwheelUpgrade {
	up := AuditwheelUpgrade{Symbols: map[string][]string{}}
	for _, l := range r.Libraries(v) {
		if (l.Action == audit.Graft || l.Action == audit.Missing) && !slices.Contains(up.Libraries, l.Soname) {
			up.Libraries = append(up.Libraries, l.Soname)
		}
	}
	for _, b := range v.Blockers {
		if b.Kind == audit.KindSymbol {
			all := append(up.Symbols[b.Library], b.Symbols...)
			slices.Sort(all)
			up.Symbols[b.Library] = slices.Compact(all)
		}
	}
	return up
}

// WriteAuditwheelJSON writes a document as auditwheel does: on lines of their own,
// indented.
func WriteAuditwheelJSON(w io.Writer, document any) error {
	if err := checkSize(document); err != nil {
		return err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	if err := encoder.Encode(document); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := w.Write(append(EscapeJSON([]byte(strings.TrimSuffix(line, "\n"))), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// WriteAuditwheel writes the text of `auditwheel show`, which scripts search. With
// all, it goes on where the first reason would be the last.
func WriteAuditwheel(w io.Writer, r *audit.Report, all bool) error {
	p, a := &printer{w: w}, NewAuditwheel(r)
	p.paragraph("%s is consistent with the following platform tag: %q.", Clean(a.Wheel), a.OverallTag)
	for _, reason := range []struct {
		holds bool
		text  string
	}{
		{a.PyFPE, "This wheel uses the PyFPE_jbuf function, which is not compatible with the manylinux/musllinux tags. (see https://www.python.org/dev/peps/pep-0513/#fpectl-builds-vs-no-fpectl-builds)"},
		{a.UCS2, "This wheel is compiled against a narrow unicode (UCS2) version of Python, which is not compatible with the manylinux/musllinux tags."},
		{a.UnsupportedISA, "This wheel depends on unsupported ISA extensions."},
	} {
		if reason.holds {
			p.paragraph("%s", reason.text)
			if !all {
				return p.err
			}
		}
	}
	p.versions(a.VersionedSymbols)
	if len(r.Verdicts) > 0 && a.SymTag != r.Verdicts[0].Policy.Tag() {
		p.paragraph("This constrains the platform tag to %q. In order to achieve a more compatible tag, you would need to recompile a new wheel from source on a system with earlier versions of these libraries, such as a recent manylinux image.", a.SymTag)
		if !all {
			return p.err
		}
	}
	p.externals(r)
	p.upgrades(r, a.PolicyUpgrades)
	return p.err
}

// versions tells which versions of which libraries are wanted.
func (p *printer) versions(libraries map[string][]string) {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(libraries)) {
		parts = append(parts, fmt.Sprintf("%s with versions {'%s'}", Clean(name), Clean(strings.Join(libraries[name], "', '"))))
	}
	if len(parts) == 0 {
		p.paragraph("The wheel references no external versioned symbols from system-provided shared libraries.")
		return
	}
	p.paragraph("The wheel references external versioned symbols in these system-provided shared libraries: %s", strings.Join(parts, ", "))
}

// externals tells which libraries even the newest policy does not promise.
func (p *printer) externals(r *audit.Report) {
	libs := map[string]*string{}
	if n := len(r.Verdicts); n > 0 {
		for _, l := range r.Libraries(&r.Verdicts[n-1]) {
			if l.Action == audit.Graft || l.Action == audit.Missing {
				libs[l.Soname] = optional(l.Path)
			}
		}
	}
	if len(libs) == 0 {
		p.paragraph("The wheel requires no external shared libraries! :)")
		return
	}
	p.paragraph("The following external shared libraries are required by the wheel:")
	if p.err == nil {
		p.err = WriteAuditwheelJSON(p.w, libs)
	}
}

// upgrades tells what keeps the wheel from each stricter policy.
func (p *printer) upgrades(r *audit.Report, upgrades map[string]AuditwheelUpgrade) {
	for i := len(r.Verdicts) - 1; i >= 0; i-- { // auditwheel begins with the newest
		tag := r.Verdicts[i].Policy.Tag()
		up := upgrades[tag]
		if len(up.Libraries) > 0 {
			p.paragraph("In order to achieve the tag platform tag '%s' the following shared library dependencies will need to be eliminated:", tag)
			p.paragraph("%s", Clean(strings.Join(up.Libraries, ", ")))
		}
		if len(up.Symbols) > 0 {
			p.paragraph("In order to achieve the tag platform tag '%s' the following black-listed symbol dependencies will need to be eliminated:", tag)
			for _, library := range slices.Sorted(maps.Keys(up.Symbols)) {
				p.paragraph("From %s: %s", Clean(library), Clean(strings.Join(up.Symbols[library], ", ")))
			}
		}
	}
}

// paragraph writes an empty line and a text in lines of 70 characters, as far as its
// words allow that (textwrap.wrap of Python).
func (p *printer) paragraph(format string, args ...any) {
	const width = 70
	line := ""
	p.linef("")
	for _, word := range strings.Fields(fmt.Sprintf(format, args...)) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) > width:
			p.linef("%s", line)
			line = word
		default:
			line += " " + word
		}
	}
	p.linef("%s", line)
}

// Lddtree is what `auditwheel lddtree` says of an ELF file.
type Lddtree struct {
	Interpreter *string                   `json:"interpreter"`
	Libc        *string                   `json:"libc"`
	Path        string                    `json:"path"`
	RealPath    string                    `json:"realpath"`
	Needed      []string                  `json:"needed"`
	RPath       []string                  `json:"rpath"`
	RunPath     []string                  `json:"runpath"`
	Libraries   map[string]LddtreeLibrary `json:"libraries"`
}

// LddtreeLibrary is a library of the tree, with null for a path that was not found.
type LddtreeLibrary struct {
	Soname   string   `json:"soname"`
	Path     *string  `json:"path"`
	RealPath *string  `json:"realpath"`
	Needed   []string `json:"needed"`
}

// NewLddtree takes the process of one file, whose root it is.
func NewLddtree(path string, p *audit.Process) Lddtree {
	root := p.Roots[0]
	tree := Lddtree{
		Path: path, RealPath: root.Path, Needed: needNames(root),
		RPath: splitPath(root.RPath), RunPath: splitPath(root.RunPath), Libraries: map[string]LddtreeLibrary{},
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		tree.RealPath = real
	}
	if p.Libc != "" {
		tree.Libc = optional(fmt.Sprintf("<Libc.%s: '%s'>", strings.ToUpper(p.Libc), p.Libc))
	}
	if root.Interp != nil {
		tree.Interpreter = optional(root.Interp.Name)
	}
	for _, n := range p.Nodes {
		needs := n.Needs
		if n.Interp != nil {
			needs = append(slices.Clone(needs), *n.Interp)
		}
		for i := range needs {
			need := &needs[i]
			l := LddtreeLibrary{Soname: filepath.Base(need.Name), Needed: []string{}}
			if need.Found() {
				l.Path, l.RealPath, l.Needed = optional(need.To.Found), optional(need.To.Path), needNames(need.To)
			}
			tree.Libraries[l.Soname] = l
		}
	}
	return tree
}

func needNames(n *audit.Node) []string {
	names := []string{}
	for i := range n.Needs {
		names = append(names, n.Needs[i].Name)
	}
	return names
}

func splitPath(entries string) []string {
	if entries == "" {
		return []string{}
	}
	return strings.Split(entries, ":")
}
