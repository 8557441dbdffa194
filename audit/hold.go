package audit

import (
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/policy"
)

// HoldTo tells what keeps the wheel, as it stands, from a platform tag: nothing
// when it meets it. A tag for another system than the binaries' own is never met.
// The error is that of a tag of no known form, or of one that no policy stands for.
func (r *Report) HoldTo(tag string) ([]Blocker, error) {
	platform, err := policy.ParsePlatform(tag)
	if err != nil {
		return nil, err
	}
	if b := r.wrongSystem(tag); b != nil {
		return []Blocker{*b}, nil
	}
	switch {
	case platform.Family == policy.Any || r.Format == Pure:
		return nil, nil
	case r.MacOS != nil:
		return r.MacOS.blockers(tag), nil
	case platform.Arch != string(r.Arch):
		return []Blocker{{Kind: KindArchitecture, Reason: fmt.Sprintf("the wheel is for %s, not for %s", r.Arch, platform.Arch)}}, nil
	case platform.Family == policy.Linux:
		return r.Refused(), nil
	}
	q, err := policy.Lookup(tag)
	if err != nil {
		return nil, err
	}
	return r.Judge(q).Blockers, nil
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

// blockers returns what keeps the wheel as it stands from a tag of macOS.
func (m *MacOS) blockers(tag string) []Blocker {
	if len(promisedVersions([]string{tag})) == 0 {
		return []Blocker{{Kind: KindArchitecture, Reason: strings.TrimPrefix(tag, "macosx_") + " is for no architecture"}}
	}
	var out []Blocker
	for _, b := range m.Judge(tag) {
		out = append(out, Blocker{Kind: b.Kind, File: b.File, Library: b.Library, Version: b.Version, Reason: b.Reason})
	}
	return out
}
