package repair

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
)

// A Patch inserts text into a member.
type Patch struct {
	Member   string `json:"member"`
	Inserted string `json:"inserted"`

	content []byte // of the member with the text
}

// A preload is what an __init__.py has to do before the modules of its package are
// imported.
type preload struct {
	dirs  []string // folders of members that are to be searched
	loads []string // members that are to be loaded by their paths
}

// patch has each package that needs it lead Windows to its libraries. What cannot be led
// there is refused.
func (w *windows) patch(p *Plan) error {
	w.patches = map[string]*preload{}
	for _, h := range w.homes {
		if err := w.lead(p, h); err != nil {
			return err
		}
	}
	old := servesOldPython(p)
	for _, init := range slices.Sorted(maps.Keys(w.patches)) {
		l := w.patches[init]
		if old {
			for i := range p.Grafts {
				if slices.Contains(l.dirs, path.Dir(p.Grafts[i].Member)) {
					l.load(p.Grafts[i].Member)
				}
			}
		}
		patch, err := patchInit(p, init, l, old)
		if err != nil {
			return named(init, err)
		}
		p.Patched = append(p.Patched, patch)
		p.warn("%s leads Windows to the DLLs in %s", init, strings.Join(l.folders(), ", "))
	}
	return nil
}

// lead has the package of a home add folders, and load what is delay-loaded.
func (w *windows) lead(p *Plan, h home) error {
	if w.apart && h.anchor != "" && len(h.grafts) > 0 {
		w.of(h.anchor).addDir(p.dirs.packages)
	}
	for _, n := range h.reach {
		if h.anchor == "" {
			return h.unled(n)
		}
		w.of(h.anchor).addDir(path.Dir(n.To.Path))
		if n.Kind == linkage.Delay {
			w.of(h.anchor).load(n.To.Path)
		}
	}
	for _, n := range h.delays {
		g := p.grafted(n.To.File, h.outside())
		switch {
		case g == nil || h.outside(): // a program has its folder searched for all
		case h.anchor == "":
			return h.unled(n)
		default:
			w.of(h.anchor).load(g.Member)
		}
	}
	return nil
}

// unled is the error about a library that Windows cannot be led to.
func (h *home) unled(n *linkage.Need) error {
	return fmt.Errorf("nothing leads Windows from the modules in %s to %s, and no __init__.py there could; put it beside them, or leave it out", h.dir, n.Name)
}

func (w *windows) of(init string) *preload {
	if w.patches[init] == nil {
		w.patches[init] = &preload{}
	}
	return w.patches[init]
}

func (l *preload) addDir(dir string) {
	if !slices.Contains(l.dirs, dir) {
		l.dirs = append(l.dirs, dir)
		slices.Sort(l.dirs)
	}
}

func (l *preload) load(member string) {
	if !slices.Contains(l.loads, member) {
		l.loads = append(l.loads, member)
		slices.Sort(l.loads)
	}
}

// folders returns all folders that the text speaks of, sorted.
func (l *preload) folders() []string {
	all := slices.Clone(l.dirs)
	for _, member := range l.loads {
		all = append(all, path.Dir(member))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// servesOldPython reports whether a tag speaks of a Python that has no
// os.add_dll_directory, which came with 3.8.
func servesOldPython(p *Plan) bool {
	return slices.ContainsFunc(p.contents.Filename.Python, func(tag string) bool {
		digits := strings.TrimLeft(tag, "abcdefghijklmnopqrstuvwxyz")
		if digits == "" || digits[0] != '3' || len(digits) == 1 {
			return true
		}
		minor, err := strconv.Atoi(digits[1:])
		return err == nil && minor < 8
	})
}

// patchInit inserts the text of a package into its __init__.py.
func patchInit(p *Plan, init string, l *preload, old bool) (Patch, error) {
	m, ok := p.contents.Reader.Lookup(init)
	if !ok {
		return Patch{}, errors.New("missing")
	}
	content, err := m.Open()
	if err != nil {
		return Patch{}, err
	}
	source, err := io.ReadAll(content)
	if err := errors.Join(err, content.Close()); err != nil {
		return Patch{}, err
	}
	text := preloadText(init, l, old)
	return Patch{Member: init, Inserted: text, content: insertPython(source, text)}, nil
}

// preloadText is Python for every version from 2.7 on. Without the folder, as where a
// program was frozen, it does nothing.
func preloadText(init string, l *preload, old bool) string {
	var b strings.Builder
	b.WriteString("# wheelmend: begin. Windows finds DLLs of this package through this.\n")
	b.WriteString("def _wheelmend_dlls():\n")
	b.WriteString("    import os\n")
	if len(l.loads) > 0 {
		b.WriteString("    import ctypes\n")
	}
	for _, dir := range l.folders() {
		var members []string
		for _, member := range l.loads {
			if path.Dir(member) == dir {
				members = append(members, strconv.QuoteToASCII(path.Base(member)))
			}
		}
		fmt.Fprintf(&b, "    libs = os.path.abspath(os.path.join(os.path.dirname(__file__)%s))\n", pythonPath(init, dir))
		b.WriteString("    if os.path.isdir(libs):\n")
		added := slices.Contains(l.dirs, dir)
		switch {
		case added && old:
			b.WriteString("        if hasattr(os, \"add_dll_directory\"):\n            os.add_dll_directory(libs)\n")
		case added:
			b.WriteString("        os.add_dll_directory(libs)\n")
		}
		if len(members) > 0 {
			fmt.Fprintf(&b, "        for name in (%s,):\n", strings.Join(members, ", "))
			b.WriteString("            ctypes.windll.kernel32.LoadLibraryExW(ctypes.c_wchar_p(os.path.join(libs, name)), None, 8)\n")
		}
	}
	b.WriteString("_wheelmend_dlls()\ndel _wheelmend_dlls\n# wheelmend: end\n")
	return b.String()
}

// pythonPath spells the way from a file to a folder as arguments of os.path.join.
func pythonPath(init, dir string) string {
	rel := linkage.RelativeDir(init, dir+"/x")
	if rel == "" {
		return ""
	}
	var b strings.Builder
	for part := range strings.SplitSeq(rel, "/") {
		b.WriteString(", " + strconv.QuoteToASCII(part))
	}
	return b.String()
}
