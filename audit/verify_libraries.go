package audit

import (
	"fmt"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
)

// A load is one library that an image names.
type load struct {
	from *linkage.Image
	need *linkage.Need
}

// loads returns what the members load, as far as it counts, in their order.
func (p *Proof) loads() []load {
	var all []load
	for _, f := range p.Report.Graph.Members {
		all = append(all, p.Report.system.loads(f)...)
	}
	return all
}

func (l *load) inWheel() bool { return l.need.To != nil && l.need.To.InWheel && l.need.IsFound() }

// fault is one about the load.
func (l *load) fault(format string, args ...any) Fault {
	return Fault{File: called(l.from), Library: l.need.Name, Reason: fmt.Sprintf(format, args...)}
}

// called names the member of an image, with the architecture if it has several.
func called(i *linkage.Image) string {
	if i.Universal {
		return i.Path + " (" + i.Arch + ")"
	}
	return i.Path
}

// A fate is what becomes of a library that is not left out.
type fate struct {
	fault   string // what is wrong, "" if nothing is
	outside bool   // the system has it
	told    string // where it is, if not in the wheel; "" where that goes without saying
}

// libraryRules is what the claims about needed libraries have of a system's own.
type libraryRules struct {
	text   string // what is claimed
	system string // who has what lies outside, such as "of macOS"; "" if nobody is known to have any
	fate   func(l load) fate
	paths  string // by which a library is found, such as "a search path"
	alone  string // what the loader does not do
}

// claimLibraries adds the claim that each needed library is in the wheel, where the
// loader finds it, or the system's.
func (p *Proof) claimLibraries(rules libraryRules) {
	inside, outside := map[string]bool{}, map[string]bool{}
	var faults, excluded []Fault
	var evidence []string
	for _, l := range p.loads() {
		if l.need.Status == linkage.Excluded {
			excluded = append(excluded, l.fault("left out as asked"))
			continue
		}
		became := rules.fate(l)
		switch {
		case became.fault != "":
			faults = append(faults, l.fault("%s", became.fault))
			continue
		case l.inWheel():
			inside[l.need.To.Path] = true
			became.told = l.need.To.Path + " (" + l.need.Rule.String() + ")"
		case became.outside:
			outside[l.need.Name] = true
		}
		if became.told != "" {
			evidence = append(evidence, called(l.from)+": "+l.need.Name+": "+became.told)
		}
	}
	basis := fmt.Sprintf("%d in the wheel", len(inside))
	if rules.system != "" {
		basis += fmt.Sprintf(", %d %s", len(outside), rules.system)
	}
	p.claim(TopicLibraries, rules.text, basis, faults, evidence...)
	if rules.system == "" {
		p.openLibraries()
	}
	if len(excluded) > 0 {
		p.unchecked(TopicLibraries, "libraries that are left out are on the user's system", "left out as asked", excluded)
	}
	p.claimOrder(rules)
}

// openLibraries leaves open what no tag promises: it may be there or not.
func (p *Proof) openLibraries() {
	var open []Fault
	for _, f := range p.Report.Graph.Members {
		var names []string
		for _, l := range p.Report.system.loads(f) {
			if l.need.Status != linkage.Excluded && !l.inWheel() {
				names = append(names, l.need.Name)
			}
		}
		if len(names) > 0 {
			open = append(open, Fault{File: f.Path, Reason: "needs " + strings.Join(names, ", ") + " of the system"})
		}
	}
	if len(open) > 0 {
		p.unchecked(TopicLibraries, "the system has the other libraries", "no tag of the wheel promises any", open)
	}
}

// claimOrder is about libraries of the wheel that a file needs and that its own search
// paths and names do not lead to. The loader takes them if they are in memory already.
// Where another file leads there, that depends on which is imported first; where none
// does, only Python code could have loaded them (with ctypes).
func (p *Proof) claimOrder(rules libraryRules) {
	loads := p.loads()
	led := map[*linkage.Image]bool{}
	for _, l := range loads {
		if l.inWheel() && l.need.Rule.Leads() {
			led[l.need.To] = true
		}
	}
	var order, lost []Fault
	for _, l := range loads {
		switch kind := l.need.Rule.Kind; {
		case !l.inWheel():
		case kind == linkage.Stranded || kind == linkage.ByName && !led[l.need.To]:
			lost = append(lost, l.fault("no file of the wheel leads to %s", l.need.To.Path))
		case kind == linkage.ByName:
			order = append(order, l.fault("no %s leads from it to %s", strings.TrimPrefix(rules.paths, "a "), l.need.To.Path))
		}
	}
	if len(lost) > 0 {
		p.claim(TopicOrder, "each library in the wheel is found by "+rules.paths, rules.alone, lost)
	}
	if len(order) > 0 {
		p.unchecked(TopicOrder, "modules without "+rules.paths+" to a library are imported after one that has it", "the order is Python code's", order)
	}
}

// pathRules is what the claim about search paths has of a system's own.
type pathRules struct {
	unit     string                                // of what is counted, such as "search path entry"
	needed   string                                // what names a library
	held     func(*linkage.Image) bool             // whether what an image needs counts
	entries  func(*linkage.Image) []pathEntry      // of the search paths of an image
	portable func(entry string) bool               // it leads to the same on every machine
	sought   func(*linkage.Need) bool              // by a search path
	others   func(*linkage.Image) (faults []Fault) // paths that are neither
}

// A pathEntry is one entry of a search path.
type pathEntry struct{ tag, text string }

// claimPaths adds the claim that no path is left that only means something on the machine
// that built the wheel. A library that is not there, and that the loader does without,
// does no harm, unless another one has its path.
func (p *Proof) claimPaths(rules pathRules) {
	var faults, weak, open []Fault
	members := linkage.Images(p.Report.Graph.Members)
	entries, leaving := 0, leavingImages(members, rules.sought)
	for _, image := range members {
		for _, e := range rules.entries(image) {
			entries++
			if rules.portable(e.text) {
				continue
			}
			fault := Fault{File: called(image), Reason: fmt.Sprintf("%s \"%s\" %s", e.tag, e.text, notPortable(e.text))}
			if e.text != "" && (p.Report.keeps(e.text) || path.IsAbs(e.text) && leaving[image]) {
				open = append(open, fault)
			} else {
				faults = append(faults, fault)
			}
		}
		faults = append(faults, rules.others(image)...)
		for _, e := range image.Needs {
			if !path.IsAbs(e.Name) || e.Status == linkage.System || e.Status == linkage.Excluded || !rules.held(image) {
				continue
			}
			fault := Fault{File: called(image), Library: e.Name, Reason: rules.needed + " is a path of the machine that built it"}
			if e.Status == linkage.Missing && e.Kind == linkage.Weak {
				weak = append(weak, fault)
			} else {
				faults = append(faults, fault)
			}
		}
	}
	p.claim(TopicPaths, "no search path of the build machine is left", phrase.Count(entries, rules.unit), faults)
	if len(open) > 0 {
		p.unchecked(TopicPaths, "search paths to libraries that are left out, or that are kept as asked, lead there on the user's system", "they are not part of the wheel", open)
	}
	if len(weak) > 0 {
		p.unchecked(TopicPaths, "no other library lies where a weak one is looked for", "it is not in the wheel", weak)
	}
}

// leavingImages returns the images that need a library by a search path which is left
// out, and those that load such an image: their search paths count there, too.
func leavingImages(members []*linkage.Image, sought func(*linkage.Need) bool) map[*linkage.Image]bool {
	leaving, users := map[*linkage.Image]bool{}, map[*linkage.Image][]*linkage.Image{}
	var queue []*linkage.Image
	add := func(image *linkage.Image) {
		if !leaving[image] {
			leaving[image] = true
			queue = append(queue, image)
		}
	}
	for _, image := range members {
		for _, e := range image.Needs {
			if e.IsFound() {
				users[e.To] = append(users[e.To], image)
			} else if e.Status == linkage.Excluded && sought(e) {
				add(image)
			}
		}
	}
	for n := 0; n < len(queue); n++ {
		for _, user := range users[queue[n]] {
			add(user)
		}
	}
	return leaving
}

// notPortable tells why a search path entry means something else on every machine.
func notPortable(entry string) string {
	switch {
	case entry == "":
		return "means the working directory"
	case path.IsAbs(entry):
		return "is a path of the machine that built it"
	}
	return "depends on the working directory"
}
