package report

import (
	"path"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
)

// A dependencies is a graph of what the files of a wheel load, without the libraries of
// the system. Modules that need the same are one node.
type dependencies struct {
	nodes []depNode
	edges [][2]int // from, to: indices of nodes, sorted, each once
	left  int      // nodes that are left out
}

// A depNode is a file, or several modules that need the same.
type depNode struct {
	label string
	kind  string // module, bundled, graft, missing or excluded
	level int    // longest way from a module
}

// maxDepNodes bounds a graph: a larger one shows nobody anything.
const maxDepNodes = 60

// dependenciesOf draws a wheel.
func dependenciesOf(r *audit.Report, bundled []audit.Bundled) *dependencies {
	b := &depBuilder{index: map[string]int{}, needs: map[string][]string{}, labels: map[string]string{}, kinds: map[string]string{}}
	for _, l := range bundled {
		b.library(l.Path, l.Name, "bundled", l.NeededBy)
	}
	for _, l := range r.Libraries(r.Target()) {
		if kind := string(l.Action); l.Action != audit.System && l.Action != audit.Remove {
			key := l.Soname
			if l.Path != "" {
				key = l.Path
			}
			b.library(key, path.Base(l.Soname), kind, l.NeededBy)
		}
	}
	return b.build()
}

// A depBuilder collects who needs what, by path.
type depBuilder struct {
	order  []string            // libraries
	needs  map[string][]string // of a file: the libraries that it needs
	labels map[string]string
	kinds  map[string]string
	index  map[string]int
}

func (b *depBuilder) library(key, label, kind string, by []string) {
	if b.kinds[key] == "" {
		b.order = append(b.order, key)
	}
	b.labels[key], b.kinds[key] = label, kind
	for _, file := range by {
		if file != key && !slices.Contains(b.needs[file], key) {
			b.needs[file] = append(b.needs[file], key)
		}
	}
}

// build joins the modules that need the same, and bounds the graph.
func (b *depBuilder) build() *dependencies {
	d := &dependencies{}
	groups := map[string][]string{}
	var keys []string
	for file, needs := range b.needs {
		if b.kinds[file] != "" {
			continue // a library itself
		}
		key := strings.Join(needs, "\x00")
		if groups[key] == nil {
			keys = append(keys, key)
		}
		groups[key] = append(groups[key], file)
	}
	slices.Sort(keys)
	add := func(key, label, kind string) {
		if len(d.nodes) >= maxDepNodes {
			d.left++
			return
		}
		b.index[key] = len(d.nodes)
		d.nodes = append(d.nodes, depNode{label: label, kind: kind})
	}
	for _, key := range keys {
		files := groups[key]
		slices.Sort(files)
		label := moduleName(files[0])
		if more := len(files) - 1; more > 0 {
			label += " and " + phrase.Count(more, "more file")
		}
		add("module\x00"+key, label, "module")
	}
	for _, key := range b.order {
		add(key, b.labels[key], b.kinds[key])
	}
	for _, key := range keys {
		b.connect(d, "module\x00"+key, strings.Split(key, "\x00"))
	}
	for _, key := range b.order {
		b.connect(d, key, b.needs[key])
	}
	slices.SortFunc(d.edges, func(x, y [2]int) int { return slices.Compare(x[:], y[:]) })
	d.edges = slices.Compact(d.edges)
	d.level()
	return d
}

// moduleName is the file name of a module, without what its Python says.
func moduleName(file string) string {
	base := path.Base(file)
	if stem, rest, found := strings.Cut(base, ".cpython-"); found && strings.HasSuffix(rest, ".so") {
		return stem + ".so"
	}
	return base
}

func (b *depBuilder) connect(d *dependencies, from string, needs []string) {
	i, ok := b.index[from]
	if !ok {
		return
	}
	for _, need := range needs {
		if j, ok := b.index[need]; ok {
			d.edges = append(d.edges, [2]int{i, j})
		}
	}
}

// level puts each node behind those that need it. Libraries that need each other end
// the search after as many rounds as there are nodes.
func (d *dependencies) level() {
	for range d.nodes {
		changed := false
		for _, e := range d.edges {
			if l := d.nodes[e[0]].level + 1; l > d.nodes[e[1]].level && l < len(d.nodes) {
				d.nodes[e[1]].level, changed = l, true
			}
		}
		if !changed {
			return
		}
	}
	for i := range d.nodes { // a circle: two columns will do
		d.nodes[i].level = min(d.nodes[i].level, 1)
	}
}
