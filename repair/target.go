package repair

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// An UnmetError reports that a wheel cannot meet a policy.
type UnmetError struct {
	Policy   *policy.Policy
	Blockers []audit.Blocker // that no repair removes
	Best     string          // the tag that a repair could give, "" if none
}

func (e *UnmetError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cannot be repaired to %s: ", e.Policy.Tag())
	const shown = 3
	for i, blocker := range e.Blockers[:min(shown, len(e.Blockers))] {
		if i > 0 {
			b.WriteString("; ")
		}
		reason := describe(blocker)
		if blocker.Kind == audit.KindMissing && i > 0 && e.Blockers[i-1].Kind == audit.KindMissing {
			reason = cmp.Or(blocker.Library, `""`) + " was not found" // nor are the places told twice
		}
		fmt.Fprintf(&b, "%s: %s", blocker.File, reason)
	}
	if more := len(e.Blockers) - shown; more > 0 {
		fmt.Fprintf(&b, "; and %d more, see wheelmend audit", more)
	}
	if e.Best != "" {
		fmt.Fprintf(&b, "; it can become %s", e.Best)
	}
	return b.String()
}

// describe gives the reason of a blocker with its first symbols.
func describe(b audit.Blocker) string {
	if len(b.Symbols) == 0 {
		return b.Reason
	}
	return fmt.Sprintf("%s (%s)", b.Reason, phrase.Some(b.Symbols, 3))
}

// ErrPure reports a wheel without binaries: there is nothing to repair.
var ErrPure = fmt.Errorf("a pure wheel: it holds no binaries, so there is nothing to repair; --allow-pure-python-wheel copies it")

// chooseTarget finds the policy whose promises decide what is grafted, and the
// platform tags that the result gets.
func (p *Plan) chooseTarget(rep *audit.Report) error {
	if len(rep.Verdicts) == 0 {
		return fmt.Errorf("no platform tag is known for its binaries (%s %s)", rep.Arch, rep.Libc)
	}
	if p.options.Platform == "" || p.options.Platform == "auto" {
		if p.verdict = rep.BestRepairable(); p.verdict == nil {
			newest := rep.Verdicts[len(rep.Verdicts)-1]
			return unmet(newest, "")
		}
		p.policy = p.verdict.Policy
		p.platforms = p.policy.Tags()
		return nil
	}
	return p.chooseRequested(rep)
}

// chooseRequested holds the wheel to the policy that was asked for. A stricter
// one that needs no more grafts is met as well, unless only the one is wanted.
func (p *Plan) chooseRequested(rep *audit.Report) error {
	requested, err := lookup(p.options.Platform, rep)
	if err != nil {
		return err
	}
	verdict := rep.Judge(requested)
	if !verdict.Repairable() {
		return unmet(verdict, bestTag(rep))
	}
	p.verdict, p.policy, p.platforms = &verdict, requested, requested.Tags()
	if p.options.OnlyPlat {
		return nil
	}
	if v := rep.StrictestWithin(&verdict); v != nil && v.Policy != requested {
		p.verdict, p.policy = v, v.Policy
		p.platforms = append(v.Policy.Tags(), requested.Tags()...)
	}
	return nil
}

func bestTag(rep *audit.Report) string {
	if v := rep.BestRepairable(); v != nil {
		return v.Policy.Tag()
	}
	return ""
}

// lookup finds the policy of a tag, which may leave out the architecture.
func lookup(tag string, rep *audit.Report) (*policy.Policy, error) {
	requested, err := policy.LookupFor(tag, rep.Arch)
	if err != nil {
		return nil, err
	}
	if requested.Arch != rep.Arch {
		return nil, fmt.Errorf("the wheel is for %s, it cannot be repaired to %s", rep.Arch, tag)
	}
	if rep.Libc != "" && requested.Libc != rep.Libc {
		return nil, fmt.Errorf("the wheel is for %s, it cannot be repaired to %s", rep.Libc, tag)
	}
	return requested, nil
}

func unmet(v audit.Verdict, best string) error {
	e := &UnmetError{Policy: v.Policy, Best: best}
	for _, b := range v.Blockers {
		if !b.Repairable() {
			e.Blockers = append(e.Blockers, b)
		}
	}
	return e
}

// compareTags notes whether the file name and the Tag lines agree, and refuses
// those that are for different Pythons.
func (p *Plan) compareTags(rep *audit.Report, info *wheel.Info) (err error) {
	if p.agreed, err = rep.Contents.TagsAgree(); err != nil {
		return err
	}
	if err := sameInterpreters(rep.Contents.Filename, info.Tags()); err != nil {
		return fmt.Errorf("%w, or keep both with --no-update-tags", err)
	}
	return nil
}

// retag decides about the file name and the Tag lines.
func (p *Plan) retag(rep *audit.Report) error {
	info, err := rep.Contents.Reader.Info()
	if err != nil {
		return err
	}
	p.Policy, p.Output, p.Tags = p.policy.Tag(), rep.Wheel, info.Tags()
	if p.options.KeepTags {
		return nil
	}
	if err := p.compareTags(rep, info); err != nil {
		return err
	}
	var kept []string
	for _, tag := range rep.Contents.Filename.Platform {
		if p.truthful(tag, rep) {
			kept = append(kept, tag)
		} else if f, err := policy.ParsePlatform(tag); err != nil || f.Family != policy.Linux && f.Family != policy.Any {
			p.warn("platform tag %s is removed: the wheel does not meet it", tag)
		}
	}
	p.Output = rep.Contents.Filename.WithPlatforms(append(slices.Clone(kept), p.platforms...)).String()
	p.Tags = tagLines(info.Tags(), p.platforms, kept)
	p.pure = info.RootIsPurelib()
	return nil
}

// truthful reports whether a platform tag of the wheel may stay: not "any" or one
// of another system, nor a linux tag that promises nothing, nor a policy that the
// wheel cannot meet.
func (p *Plan) truthful(tag string, rep *audit.Report) bool {
	q, err := policy.Lookup(tag)
	if err != nil {
		// A tag of PEP 600 or 656 that has no policy of its own may stay.
		f, err := policy.ParsePlatform(tag)
		return err == nil && !p.policy.Plain() && f.Arch == string(rep.Arch) && f.Libc() == p.policy.Libc && f.AtLeast(p.policy.Major, p.policy.Minor)
	}
	if q == p.policy || slices.Contains(p.platforms, tag) {
		return true
	}
	if q.Arch != rep.Arch {
		return false
	}
	if q.Libc != p.policy.Libc {
		// A wheel of static programs serves both C libraries.
		v := rep.Judge(q)
		return rep.Libc == "" && v.Meets()
	}
	return p.policy.Older(q)
}

// tagLines replaces the platform of the Tag lines: lines that stay come first,
// then each Python and ABI with each new platform, as auditwheel orders them.
// What stays is what the file name keeps; a line that only the one or the other
// had is set right.
func tagLines(lines, platforms, kept []string) []string {
	var out, interpreters []string
	for _, line := range lines {
		i := strings.LastIndexByte(line, '-')
		if i < 0 {
			continue
		}
		if !slices.Contains(interpreters, line[:i]) {
			interpreters = append(interpreters, line[:i])
		}
		if slices.Contains(kept, line[i+1:]) || slices.Contains(platforms, line[i+1:]) {
			out = append(out, line)
		}
	}
	for _, interpreter := range interpreters {
		for _, platform := range slices.Concat(platforms, kept) {
			if line := interpreter + "-" + platform; !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}

// sameInterpreters reports a file name and Tag lines that speak of different
// Pythons or ABIs: an installer would believe the one or the other.
func sameInterpreters(name wheel.Filename, lines []string) error {
	inName, inLines := map[string]bool{}, map[string]bool{}
	for _, t := range name.Tags() {
		inName[t.Python+"-"+t.ABI] = true
	}
	for _, line := range lines {
		tags, err := wheel.ParseTag(line)
		if err != nil {
			return fmt.Errorf("WHEEL: Tag %q: %w", line, err)
		}
		for _, t := range tags {
			inLines[t.Python+"-"+t.ABI] = true
		}
	}
	if maps.Equal(inName, inLines) {
		return nil
	}
	names := slices.Sorted(maps.Keys(inLines))
	return fmt.Errorf("the Tag lines of WHEEL name %s, the file name %s (PEP 427); build the wheel again",
		strings.Join(names, ", "), strings.Join(slices.Sorted(maps.Keys(inName)), ", "))
}
