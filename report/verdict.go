package report

import (
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
)

// verdict says in a sentence what the file name claims, and whether that holds.
func (p *printer) verdict(r *audit.Report) {
	var held, broken, plain []string
	cause := ""
	for _, tag := range r.Contents.Filename.Platform {
		platform, err := policy.ParsePlatform(tag)
		v := audit.Verdict{}
		if err == nil {
			v = r.Judge(platform)
		}
		switch {
		case err != nil:
			broken = append(broken, tag)
			cause = "it is no platform tag"
		case platform.Family == policy.Linux && len(v.Blockers) == 0:
			plain = append(plain, tag)
		case len(v.Blockers) > 0:
			broken = append(broken, tag)
			if cause == "" {
				cause = causeOf(ownBlockers(r, v.Blockers))
			}
		default:
			held = append(held, tag)
		}
	}
	p.wrap("  ", p.sentence(held, broken, plain, cause))
}

// sentence words the verdict on the tags of the file name.
func (p *printer) sentence(held, broken, plain []string, cause string) string {
	name := func(tags []string, paint func(string) string) string {
		painted := make([]string, len(tags))
		for i, tag := range tags {
			painted[i] = paint(Clean(tag))
		}
		return phrase.And(painted)
	}
	switch {
	case len(broken) > 0 && len(held) > 0:
		return fmt.Sprintf("The name claims %s, which holds, and %s, which does not: %s.", name(held, p.style.good), name(broken, p.style.bad), cause)
	case len(broken) > 0:
		return fmt.Sprintf("The name claims %s, and that does not hold: %s.", name(broken, p.style.bad), cause)
	case len(plain) > 0:
		text := fmt.Sprintf("The name claims %s, which promises nothing", name(plain, p.style.bad))
		if ok, _ := policy.PyPITakes(plain[0]); !ok {
			text += ", so PyPI does not take it"
		}
		return text + "."
	case len(held) == 1:
		return fmt.Sprintf("The name claims %s, and that holds.", name(held, p.style.good))
	}
	return fmt.Sprintf("The name claims %s, and all of that holds.", name(held, p.style.good))
}

// ownBlockers leaves out what stands in the way of libraries that only a repair copies in,
// as long as there is something else.
func ownBlockers(r *audit.Report, blockers []audit.Blocker) []audit.Blocker {
	var own []audit.Blocker
	for _, b := range blockers {
		if _, member := r.Contents.Reader.Lookup(b.File); member || b.File == r.Wheel || b.File == "" {
			own = append(own, b)
		}
	}
	if len(own) == 0 {
		return blockers
	}
	return own
}

// causeOf tells why a tag is not met, in a few words: first what no repair removes.
func causeOf(blockers []audit.Blocker) string {
	kinds := map[audit.Kind][]audit.Blocker{}
	for _, b := range blockers {
		kinds[b.Kind] = append(kinds[b.Kind], b)
	}
	for _, kind := range []audit.Kind{audit.KindSystem, audit.KindArchitecture, audit.KindImage, audit.KindLibc, audit.KindPurelib, audit.KindPython, audit.KindRuntime} {
		if found := kinds[kind]; len(found) > 0 {
			return about(found[0])
		}
	}
	var causes []string
	if found := kinds[audit.KindVersion]; len(found) > 0 {
		causes = append(causes, tooNew(found))
	}
	outside := map[string]bool{}
	first := ""
	for _, kind := range []audit.Kind{audit.KindMissing, audit.KindLibrary} {
		for _, b := range kinds[kind] {
			if first == "" {
				first = Clean(b.Library)
			}
			outside[b.Library] = true
		}
	}
	switch n := len(outside); {
	case n == 1:
		causes = append(causes, "it needs "+first+" from outside the wheel")
	case n > 1:
		causes = append(causes, fmt.Sprintf("it needs %s and %s from outside the wheel", first, phrase.Count(n-1, "more library")))
	}
	if len(causes) == 0 {
		return about(blockers[0])
	}
	return strings.Join(causes, ", and ")
}

// about spells a blocker with the file that it is about.
func about(b audit.Blocker) string {
	reason := Clean(strings.TrimSuffix(b.Reason, "."))
	if b.File == "" || strings.Contains(reason, b.File) {
		return reason
	}
	return Clean(b.File) + ": " + reason
}

// tooNew names the newest of the versions that a tag does not promise.
func tooNew(blockers []audit.Blocker) string {
	newest := blockers[0]
	for _, b := range blockers[1:] {
		if policy.CompareVersions(b.Version, newest.Version) > 0 {
			newest = b
		}
	}
	switch {
	case newest.Version == "":
		return about(newest)
	case newest.Library == "": // a version of the system
		return fmt.Sprintf("%s is for version %s", Clean(newest.File), Clean(newest.Version))
	}
	return fmt.Sprintf("%s (%s) is too new for it", Clean(newest.Version), Clean(newest.Library))
}

// explained spells platform tags, joined by dots, with what each means.
func explained(tags string, paint func(string) string) string {
	var parts []string
	for tag := range strings.SplitSeq(tags, ".") {
		part := paint(Clean(tag))
		if platform, err := policy.ParsePlatform(tag); err == nil {
			if meaning := platform.Meaning(); meaning != "" {
				part += " (" + meaning + ")"
			}
		}
		parts = append(parts, part)
	}
	return phrase.And(parts)
}
