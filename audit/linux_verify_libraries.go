package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// claimLibraries adds the claim that each needed library is in the wheel, where
// the loader finds it, or promised by every tag.
func (l *linux) claimLibraries(p *Proof, promised []*policy.Policy) {
	r := p.Report
	inside, outside := map[string]bool{}, map[string]bool{}
	var excluded []Fault
	for _, o := range linkage.Images(r.Graph.Members) {
		for _, e := range o.Needs {
			switch {
			case e.Status == linkage.Excluded:
				excluded = append(excluded, Fault{File: o.Path, Library: e.Name, Reason: "left out as asked"})
			case e.To != nil && e.To.InWheel:
				inside[e.To.Path] = true
			default:
				outside[e.Name] = true
			}
		}
	}
	basis := fmt.Sprintf("%d in the wheel", len(inside))
	if len(promised) > 0 {
		faults := l.libraryFaults(promised)
		for i := range faults {
			delete(outside, faults[i].Library)
		}
		basis += fmt.Sprintf(", %d promised by %s", len(outside), tagNames(promised))
		p.claim(TopicLibraries, "each needed library is found in the wheel or promised by the tag", basis, faults, l.whereFound(promised)...)
	} else {
		p.claim(TopicLibraries, "needed libraries that lie in the wheel are found", basis, nil, l.whereFound(nil)...)
		p.openLibraries()
	}
	if len(excluded) > 0 {
		p.unchecked(TopicLibraries, "libraries that are left out are on the user's system", "--exclude", excluded)
	}
	p.claimOrder()
}

// whereFound tells of each needed library where it is and by which rule, or who
// promises it.
func (l *linux) whereFound(promised []*policy.Policy) []string {
	var lines []string
	for _, o := range linkage.Images(l.report.Graph.Members) {
		for _, e := range o.Needs {
			what := ""
			switch {
			case e.To != nil && e.To.InWheel:
				what = e.To.Path + " (" + e.Rule.String() + ")"
			case e.Status == linkage.Excluded || len(promised) == 0 || slices.ContainsFunc(promised, func(q *policy.Policy) bool { return !l.leaves(q, e) }):
				continue // told by faults
			default:
				what = "promised by " + tagNames(promised)
			}
			lines = append(lines, o.Path+": "+e.Name+": "+what)
		}
	}
	return lines
}

// claimOrder is about libraries of the wheel that a file needs and has no search
// path to. The loader takes them if they are in memory already. Where another
// file has a search path, that depends on which is imported first; where none
// has, only Python code could have loaded them (with ctypes).
func (p *Proof) claimOrder() {
	var order, lost []Fault
	for _, o := range linkage.Images(p.Report.Graph.Members) {
		for _, e := range o.Needs {
			switch {
			case e.Status != linkage.Found:
			case e.Rule.Kind == linkage.ByName:
				order = append(order, Fault{File: o.Path, Library: e.Name, Reason: "no search path leads from it to " + e.To.Path})
			case e.Rule.Kind == linkage.Stranded:
				lost = append(lost, Fault{File: o.Path, Library: e.Name, Reason: "no file of the wheel has a search path to " + e.To.Path})
			}
		}
	}
	if len(lost) > 0 {
		p.claim(TopicOrder, "each library in the wheel is found by a search path", "ld.so finds no library by its name alone", lost)
	}
	if len(order) > 0 {
		p.unchecked(TopicOrder, "modules without a search path to a library are imported after one that has it", "the order is Python code's", order)
	}
}

// libraryFaults lists the libraries outside the wheel that one of the policies
// does not promise.
func (l *linux) libraryFaults(promised []*policy.Policy) []Fault {
	var faults []Fault
	for _, o := range linkage.Images(l.report.Graph.Members) {
		for _, e := range o.Needs {
			if e.Status == linkage.Excluded || e.To != nil && e.To.InWheel {
				continue
			}
			for _, q := range promised {
				if !l.leaves(q, e) {
					faults = append(faults, Fault{File: o.Path, Library: e.Name, Reason: notPromised(q, e)})
					break
				}
			}
		}
	}
	return faults
}

// notPromised tells why a policy does not let a library lie outside the wheel.
func notPromised(q *policy.Policy, e *linkage.Need) string {
	libc := policy.Libc(linkage.LoaderLibc(e.Name))
	switch {
	case e.Status == linkage.LibPython:
		return "extension modules must not load libpython (PEP 513)"
	case libc != "" && libc != q.Libc:
		return fmt.Sprintf("it belongs to %s, %s is for %s", libc, q.Tag(), q.Libc)
	}
	reason := "it is not in the wheel, and " + q.Tag() + " does not promise it"
	if places := linkage.Searched(e.Tried); places != "" {
		reason += "; searched " + places
	}
	return reason
}

// openLibraries leaves open what no tag promises: it may be there or not.
func (p *Proof) openLibraries() {
	var open []Fault
	for _, o := range linkage.Images(p.Report.Graph.Members) {
		var names []string
		for _, e := range o.Needs {
			if e.Status != linkage.Excluded && (e.To == nil || !e.To.InWheel) {
				names = append(names, e.Name)
			}
		}
		if len(names) > 0 {
			open = append(open, Fault{File: o.Path, Reason: "needs " + strings.Join(names, ", ") + " of the system"})
		}
	}
	if len(open) > 0 {
		p.unchecked(TopicLibraries, "the system has the other libraries", "no tag of the wheel promises any", open)
	}
}
