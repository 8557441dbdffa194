package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/ianlancetaylor/demangle"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// Bounds on what is told of one cause, unless all is asked for.
const (
	shownCauses  = 3
	shownOfCause = 2
	shownSymbols = 10
)

// A blocked policy is one that the wheel does not meet, with the causes that stop it and
// no newer one.
type blocked struct {
	policy *policy.Policy
	older  bool // there are stricter policies, which it stops as well
	causes []*cause
}

// A cause is a reason with all files that it is about.
type cause struct {
	audit.Blocker
	files   []string
	symbols []string // of all files, those that most of them use first
}

// blockedPolicies lists what stops the policies that are stricter than what the wheel meets, or
// can meet after a repair: what stops the newest of them, which is what a person would
// remove first. The rest is for those who ask for all.
func (p *printer) blockedPolicies(r *audit.Report) {
	if v := r.Target(); v != nil && v.Policy == nil {
		p.keepsFrom(r, v)
		return
	}
	all := blockedPolicies(r)
	if len(all) == 0 {
		return
	}
	shown := all
	if !p.all {
		shown = all[:1]
	}
	for _, h := range shown {
		p.blockedPolicy(r, h)
	}
	if more := len(all) - len(shown); more > 0 {
		p.linef("  %s for older tags (-v)", phrase.Count(causesOf(all[1:]), "more cause"))
	}
}

func causesOf(all []blocked) int {
	n := 0
	for _, h := range all {
		n += len(h.causes)
	}
	return n
}

// blockedPolicy lists the causes that stop one policy, and tells what to do about the first.
func (p *printer) blockedPolicy(r *audit.Report, h blocked) {
	files := map[string]bool{}
	for _, c := range h.causes {
		for _, f := range c.files {
			files[f] = true
		}
	}
	tags, fails := h.policy.Name, "fails"
	if h.older {
		tags, fails = tags+" and older tags", "fail"
	}
	p.linef("\n%s %s for %s:", p.style.bold(tags), fails, phrase.Count(len(files), "file"))
	causes := h.causes
	if !p.all && len(causes) > shownCauses+1 {
		causes = causes[:shownCauses]
	}
	for _, c := range causes {
		p.cause(r, c)
	}
	if more := len(h.causes) - len(causes); more > 0 {
		p.linef("  and %s (-v)", phrase.Count(more, "more cause"))
	}
	p.wayOut(r, h)
}

// cause writes the reason first, and below it the files.
func (p *printer) cause(r *audit.Report, c *cause) {
	head := "  " + p.style.bold(Clean(c.Reason))
	if c.Version != "" && c.Library != "" {
		head = "  " + p.style.bold(Clean(c.Version)) + " (" + Clean(c.Library) + ")"
	}
	limit := shownSymbols
	if p.all {
		limit = len(c.symbols)
	}
	items := []string{head}
	for _, s := range c.symbols[:min(limit, len(c.symbols))] {
		items = append(items, strings.Fields(Clean(Readable(s)))...)
		items[len(items)-1] += ","
	}
	if len(items) > 1 {
		items[len(items)-1] = strings.TrimSuffix(items[len(items)-1], ",")
	}
	if more := len(c.symbols) - limit; more > 0 {
		items = append(items, "and", fmt.Sprint(more), "more", "(-v)")
	}
	items[0] = strings.TrimPrefix(items[0], "  ")
	if len(c.symbols) > 0 {
		items[0] += " "
		p.hanging("  ", "      ", items)
	} else {
		p.hanging("  ", "      ", strings.Fields(items[0]))
	}
	p.causeFiles(r, c)
}

func (p *printer) causeFiles(r *audit.Report, c *cause) {
	shown := c.files
	if !p.all && len(shown) > shownOfCause {
		shown = shown[:shownOfCause]
	}
	for i, f := range shown {
		name := Clean(f)
		if _, member := r.Contents.Reader.Lookup(f); !member && f != r.Wheel {
			name = Clean(path.Base(f)) + " of this machine"
		}
		items := []string{name}
		if more := len(c.files) - len(shown); more > 0 && i == len(shown)-1 {
			items = append(items, fmt.Sprintf("and %d more (-v)", more))
		}
		p.flow("    ", items, "  ")
	}
}

// wayOut tells what the newest version of the C library means, and where to build for
// older systems.
func (p *printer) wayOut(r *audit.Report, h blocked) {
	newest := ""
	for _, c := range h.causes {
		if rest, found := strings.CutPrefix(c.Version, "GLIBC_"); found && policy.CompareVersions(rest, newest) > 0 && rest[0] >= '0' && rest[0] <= '9' {
			newest = rest
		}
	}
	if newest == "" || h.policy.Libc != policy.GLIBC {
		return
	}
	text := fmt.Sprintf("it was built against glibc %s or newer", newest)
	if ways := h.ways(r); ways != "" {
		text += "; to serve older systems, " + ways
	}
	p.wrap("  help: ", text)
}

// ways tells how a wheel comes to meet a policy after all, "" if nothing is known.
func (h *blocked) ways(r *audit.Report) string {
	var ways []string
	if image := h.policy.Image(); image != "" {
		ways = append(ways, "build in "+image)
	}
	if len(r.Lowerings) > 0 {
		return strings.Join(ways, ", or ") // they are told in a section of their own
	}
	if l, err := r.Lower(h.policy); err == nil && l.Reaches() {
		ways = append(ways, "have the symbols lowered: wheelmend repair --lower --plat "+h.policy.Tag()+" (an experiment)")
	}
	return strings.Join(ways, ", or ")
}

// blockedPolicies groups what stops each policy that the wheel does not meet after a repair, the
// newest policy first. Libraries that are missing are told elsewhere.
func blockedPolicies(r *audit.Report) []blocked {
	limit := r.BestRepairable()
	if limit == nil {
		limit = r.Best()
	}
	var out []blocked
	seen := map[string]bool{} // what stops a newer policy
	last := len(r.Verdicts)
	for i := range r.Verdicts {
		if &r.Verdicts[i] == limit {
			last = i
			break
		}
	}
	for i := last - 1; i >= 0; i-- {
		h := blocked{policy: r.Verdicts[i].Policy, older: i > 0}
		groups := map[string]*cause{}
		for _, b := range r.Verdicts[i].Blockers {
			if b.Repairable() || b.Kind == audit.KindMissing || seen[blockerKey(&b)] {
				continue
			}
			seen[blockerKey(&b)] = true
			h.add(groups, b)
		}
		if len(h.causes) > 0 {
			h.sort()
			out = append(out, h)
		}
	}
	return out
}

func blockerKey(b *audit.Blocker) string {
	return strings.Join([]string{string(b.Kind), b.File, b.Library, b.Version, strings.Join(b.Symbols, " ")}, "\x00")
}

// keepsFrom lists what keeps a wheel from its tag where there are no policies, the cause
// before the files. The lists of libraries have those that come in.
func (p *printer) keepsFrom(r *audit.Report, v *audit.Verdict) {
	h := blocked{}
	groups := map[string]*cause{}
	tag := ""
	for _, b := range v.Blockers {
		if b.Kind == audit.KindLibrary || b.Kind == audit.KindMissing {
			continue
		}
		tag, b.Library = b.Tag, ""
		h.add(groups, b)
	}
	if tag == "" {
		return
	}
	p.linef("\nWhat keeps it from being %s", tag)
	shown, more := rows(p, h.causes)
	for _, c := range shown {
		p.cause(r, c)
	}
	p.andMore(more)
}

// add files a blocker under its cause.
func (h *blocked) add(groups map[string]*cause, b audit.Blocker) {
	key := strings.Join([]string{string(b.Kind), b.Library, b.Version, b.Reason}, "\x00")
	c := groups[key]
	if c == nil {
		c = &cause{Blocker: b}
		groups[key] = c
		h.causes = append(h.causes, c)
	}
	if !slices.Contains(c.files, b.File) {
		c.files = append(c.files, b.File)
	}
	c.symbols = append(c.symbols, b.Symbols...)
}

// sort puts the newest version first, and of the symbols of a cause those that most
// files use.
func (h *blocked) sort() {
	slices.SortStableFunc(h.causes, func(a, b *cause) int {
		return cmp.Or(policy.CompareVersions(b.Version, a.Version), cmp.Compare(a.Library, b.Library))
	})
	for _, c := range h.causes {
		uses := map[string]int{}
		for _, s := range c.symbols {
			uses[s]++
		}
		slices.SortFunc(c.symbols, func(a, b string) int {
			return cmp.Or(cmp.Compare(uses[b], uses[a]), cmp.Compare(a, b))
		})
		c.symbols = slices.Compact(c.symbols)
	}
}

// Readable spells the name of a C++ or Rust function as its source does.
func Readable(symbol string) string {
	return demangle.Filter(symbol, demangle.NoClones)
}
