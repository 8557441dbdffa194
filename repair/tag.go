package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// TagOptions says which platform tags wheels get.
type TagOptions struct {
	Platforms []string // none means the best that a wheel meets
	Replace   bool     // other tags of the file name go, true or not
	Exclude   []string // libraries that are left to the user's system, as for an audit
	IgnoreISA bool     // do not hold binaries to the baseline of x86-64
	Load      audit.LoadOptions
	Epoch     time.Time // of new members (SOURCE_DATE_EPOCH); zero means that of the WHEEL member
	Progress  func(done, total int64)
}

// A Tagger gives wheels the platform tags that they meet as they stand. What lies
// on this machine does not count.
type Tagger struct {
	opts     TagOptions
	repairer *Repairer
}

// NewTagger returns a tagger. Close it when the last wheel is done.
func NewTagger(opts TagOptions) *Tagger {
	o := Options{Load: opts.Load, Epoch: opts.Epoch, Progress: opts.Progress}
	o.Audit = audit.Options{Options: linkage.Options{WheelOnly: true, Exclude: opts.Exclude}, IgnoreISA: opts.IgnoreISA}
	return &Tagger{opts, NewRepairer(o)}
}

// Close releases the finished wheels that the tagger keeps open.
func (t *Tagger) Close() error { return t.repairer.Close() }

// Tag writes the wheel at path with its new platform tags into dir. All members but
// WHEEL and RECORD are copied as they are. The name appears when the result has
// been read back; the input is never written to. A tag that the wheel does not meet
// is a [TagError].
func (t *Tagger) Tag(ctx context.Context, path, dir string) (*Result, error) {
	return t.repairer.open(ctx, path, t.decide, func(p *Plan) (*Result, error) { return t.repairer.apply(ctx, p, path, dir) })
}

// decide is the [decision] of a tagger.
func (t *Tagger) decide(_ context.Context, rep *audit.Report, opts *Options) (*Plan, error) {
	return newTagPlan(rep, opts, &t.opts)
}

// A TagError reports that a wheel does not meet a platform tag as it stands.
type TagError struct {
	Tag     string
	Reasons []string // one for each obstacle, beginning with the file
	Outside bool     // the wheel needs libraries from outside, which a repair copies in
}

// Left returns how many reasons the text of the error leaves out.
func (e *TagError) Left() int { return max(0, len(e.Reasons)-shownReasons) }

func (e *TagError) Error() string {
	return "does not meet " + e.Tag + ": " + firstReasons(e.Reasons)
}

// shownReasons is how many reasons the text of an error has.
const shownReasons = 3

// firstReasons tells what stands in the way of a tag, in part if it is much.
func firstReasons(reasons []string) string {
	text := strings.Join(reasons[:min(shownReasons, len(reasons))], "; ")
	if more := len(reasons) - shownReasons; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// newTagPlan decides about the platform tags of a wheel, and changes nothing else.
func newTagPlan(rep *audit.Report, opts *Options, tags *TagOptions) (*Plan, error) {
	if rep.Unserved != nil {
		return nil, rep.Unserved
	}
	if rep.Format == audit.Pure {
		return nil, errors.New("a pure wheel: it holds no binaries that a platform tag could speak of")
	}
	p := emptyPlan(rep, opts)
	p.tagsOnly, p.verdict = true, rep.Target()
	var err error
	if p.platforms, err = chosenTags(rep, tags.Platforms); err != nil {
		return nil, err
	}
	p.Policy = strings.Join(p.platforms, ".")
	keeps := keepsMet
	if tags.Replace {
		keeps = func(*Plan, string) (bool, string) { return false, "" }
	}
	if err := p.retag(keeps); err != nil {
		return nil, err
	}
	p.dropSignatures()
	p.amendRecord()
	p.leaveOut()
	return p, nil
}

// chosenTags returns the tags that are asked for, each complete, or the best that
// the wheel meets. The error is that of the first that it does not meet.
func chosenTags(rep *audit.Report, asked []string) ([]string, error) {
	if len(asked) == 0 {
		best, err := bestTags(rep)
		if err != nil {
			return nil, err
		}
		asked = best
	}
	var chosen []string
	for _, tag := range asked {
		if q, err := policy.LookupFor(tag, rep.Arch); err == nil && !slices.Contains(q.Tags(), tag) {
			tag += "_" + string(q.Arch) // it was given without
		}
		if err := unmetTag(rep, tag); err != nil {
			return nil, err
		}
		if !slices.Contains(chosen, tag) {
			chosen = append(chosen, tag)
		}
	}
	return chosen, nil
}

// bestTags returns the tags of the oldest system that the wheel serves.
func bestTags(rep *audit.Report) ([]string, error) {
	switch best := rep.Best(); {
	case best != nil && best.Policy != nil:
		return best.Policy.Tags(), nil
	case len(rep.Verdicts) == 0:
		return nil, fmt.Errorf("no platform tag is known for its binaries (%s %s)", rep.Arch, rep.Libc)
	case rep.Verdicts[0].Policy == nil:
		return strings.Split(rep.Tag(), "."), nil
	}
	newest := rep.Verdicts[len(rep.Verdicts)-1]
	return nil, newTagError(newest.Policy.Tag(), rep.OS, newest.Blockers)
}

// keepsMet keeps the tags of the file name that the wheel meets, but for plain linux
// ones, which promise nothing beside others.
func keepsMet(p *Plan, tag string) (kept bool, why string) {
	f, err := policy.ParsePlatform(tag)
	switch {
	case slices.Contains(p.platforms, tag) || err == nil && f.Family == policy.Linux:
		return false, ""
	case unmetTag(p.report, tag) == nil:
		return true, ""
	}
	return false, "is removed: the wheel does not meet it"
}

// unmetTag returns the error of a wheel that, as it stands, does not meet a platform
// tag, or of a tag of which nothing is known.
func unmetTag(rep *audit.Report, tag string) error {
	p, err := policy.ParsePlatform(tag)
	if err != nil {
		return err
	}
	switch v := rep.Judge(p); {
	case v.Unknown != nil:
		return v.Unknown
	case v.Meets():
		return nil
	default:
		return newTagError(tag, rep.OS, v.Blockers)
	}
}

// newTagError tells why a wheel does not meet a tag.
func newTagError(tag string, os audit.OS, blockers []audit.Blocker) *TagError {
	e := &TagError{Tag: tag}
	for _, b := range blockers {
		reason := describe(b)
		if b.Kind == audit.KindMissing || b.Kind == audit.KindLibrary {
			e.Outside = true
			whose := fmt.Sprintf("part of %v", os) // its tags promise all of a system
			if b.Policy != nil {
				whose = "promised"
			}
			reason = fmt.Sprintf("%q is neither %s nor in the wheel", b.Library, whose)
		}
		if b.File != "" {
			reason = b.File + ": " + reason
		}
		e.Reasons = append(e.Reasons, reason)
	}
	return e
}
