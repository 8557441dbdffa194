package repair

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// An UnmetError reports that a wheel cannot meet a policy, or the tags of its name.
type UnmetError struct {
	OS       audit.OS
	Policy   *policy.Policy  // nil where there are none
	Blockers []audit.Blocker // that no repair removes
	Best     string          // the tag that a repair could give, "" if none
	Lowers   bool            // Policy would be met if the symbols were lowered (Options.Lower)
}

// Left returns how many blockers the text of the error leaves out.
func (e *UnmetError) Left() int { return max(0, len(e.Blockers)-shownReasons) }

func (e *UnmetError) Error() string {
	text := "cannot be repaired"
	if e.Policy != nil {
		text += " to " + e.Policy.Tag()
	}
	var reasons []string
	for i, blocker := range e.Blockers {
		reason := describe(blocker)
		if blocker.Kind == audit.KindMissing && i > 0 && e.Blockers[i-1].Kind == audit.KindMissing {
			reason = cmp.Or(blocker.Library, `""`) + " was not found" // nor are the places told twice
		}
		reasons = append(reasons, blocker.File+": "+reason)
	}
	text += ": " + firstReasons(reasons)
	if e.Best != "" {
		text += "; it can become " + e.Best
	}
	return text
}

// describe gives the reason of a blocker with its first symbols.
func describe(b audit.Blocker) string {
	if len(b.Symbols) == 0 {
		return b.Reason
	}
	return fmt.Sprintf("%s (%s)", b.Reason, phrase.Some(b.Symbols, 3))
}

// ErrPure reports a wheel without binaries: there is nothing to repair.
var ErrPure = errors.New("a pure wheel: it holds no binaries, so there is nothing to repair")

// retag decides about the file name and the Tag lines: keeps tells which tags of the file
// name stay, and why one goes that does.
func (p *Plan) retag(keeps func(p *Plan, tag string) (bool, string)) error {
	info, err := p.contents.Reader.Info()
	if err != nil {
		return err
	}
	p.tellInfo(info)
	p.Output, p.Tags = p.Wheel, info.Tags()
	if p.options.KeepTags {
		return nil
	}
	switch err := sameInterpreters(p.contents.Filename, info.Tags()); {
	case err != nil && p.tagsOnly:
		return err
	case err != nil:
		return &OptionError{OptionKeepTags, err}
	}
	var kept []string
	for _, tag := range p.contents.Filename.Platform {
		if stays, why := keeps(p, tag); stays {
			kept = append(kept, tag)
		} else if why != "" {
			p.warn("platform tag %s %s", tag, why)
		}
	}
	p.Output = p.contents.Filename.WithPlatforms(append(slices.Clone(kept), p.platforms...)).String()
	p.Tags = tagLines(info.Tags(), p.platforms, kept)
	p.pure = info.RootIsPurelib() && !p.tagsOnly
	return nil
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
