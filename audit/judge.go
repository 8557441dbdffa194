package audit

import (
	"fmt"

	"github.com/wheelmend/wheelmend/policy"
)

// Judge holds the wheel, as it stands, to a platform tag. A tag for another system than
// the binaries' own is never met. It is the one answer to whether a wheel meets a tag.
func (r *Report) Judge(p policy.Platform) Verdict {
	v := Verdict{Platform: p}
	if b := r.wrongSystem(p.Tag); b != nil {
		b.Tag = p.Tag
		v.Blockers = []Blocker{*b}
		return v
	}
	if p.Family == policy.Any || r.Format == Pure {
		return v
	}
	return r.system.judge(r, p)
}

// wrongSystem returns the blocker of a tag that is for another system than the
// binaries, nil for one that may be met.
func (r *Report) wrongSystem(tag string) *Blocker {
	s := tagSystem(tag)
	switch {
	case r.Format == Pure || s == r.OS && r.Unserved == nil:
		return nil
	case r.Unserved != nil:
		return &Blocker{Kind: KindSystem, Reason: r.Unserved.Error()}
	case s == "":
		return &Blocker{Kind: KindSystem, File: r.firstBinary(), Reason: fmt.Sprintf("%s %s runs on %v alone", article(systems[r.OS].binary), systems[r.OS].binary, r.OS)}
	}
	return &Blocker{Kind: KindSystem, File: r.firstBinary(), Reason: fmt.Sprintf("it is for %v, the tag for %v", r.OS, s)}
}

// firstBinary names a binary of the wheel's own system.
func (r *Report) firstBinary() string {
	if names := r.binaries(); len(names) > 0 {
		return names[0]
	}
	return r.Wheel
}
