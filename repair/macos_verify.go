package repair

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// answersForMacOS reports whether the repair of a macOS wheel promises that no
// claim about a topic fails. What it was told to leave is a finding.
func (a *application) answersForMacOS(topic audit.Topic) bool {
	p := a.plan
	switch topic {
	case audit.TopicTags:
		return p.agreed && !p.options.KeepTags
	case audit.TopicBinaries:
		return true
	case audit.TopicSignatures:
		return !p.options.Audit.MacOS.DylibsOnly
	case audit.TopicPlatform:
		return !p.options.KeepTags && len(p.options.Audit.MacOS.RequireArchs) == 0
	case audit.TopicLibraries:
		return len(p.missing) == 0
	case audit.TopicPaths:
		return !p.options.MacOS.KeepRPaths && !p.options.Audit.MacOS.DylibsOnly && len(p.missing)+len(p.excluded) == 0
	}
	return false
}

// checkMacOS holds the result to what the plan promises, without the libraries of
// this machine: each library that a file loads is in the wheel or macOS's own, the
// tags are true, and what was edited has a true signature.
func (a *application) checkMacOS(ctx context.Context, rep *audit.Report) error {
	const defect = "this is a defect of wheelmend, please report it"
	if rep.MacOS == nil {
		return fmt.Errorf("the result reads back without Mach-O files; %s", defect)
	}
	for _, b := range rep.MacOS.Blockers {
		switch {
		case b.Kind == audit.KindMissing && slices.Contains(a.plan.missing, b.Library):
		case b.Kind == audit.KindVersion && a.plan.options.KeepTags:
		default:
			return fmt.Errorf("the result is not what its tag says: %s: %s; %s", b.File, b.Reason, defect)
		}
	}
	grafts := map[string]bool{}
	for i := range a.plan.Grafts {
		grafts[a.plan.Grafts[i].Member] = true
	}
	for _, b := range rep.MacOS.Graph.Members {
		for _, image := range b.Images {
			for _, e := range image.Loads {
				if e.Status == linkage.DylibFound && grafts[e.To.Binary.Path] && e.Rule == linkage.ByName {
					return fmt.Errorf("the result is not self-contained: no path leads from %s to %s; %s", b.Path, e.To.Binary.Path, defect)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a.images)) {
		if err := a.checkSignature(ctx, name); err != nil {
			return fmt.Errorf("%s: the signature of the result: %w; %s", name, err, defect)
		}
	}
	return nil
}

// checkSignature verifies the slices of an edited file that have a signature or
// need one. A graft without any edit keeps what it had.
func (a *application) checkSignature(ctx context.Context, name string) error {
	image := a.images[name]
	if !image.Edited() {
		return nil
	}
	file, err := macho.NewFile(image, image.Size())
	if err != nil {
		return err
	}
	for _, s := range file.Slices {
		signature, err := s.Signature()
		if err != nil {
			return err
		}
		if signature == nil && !s.Arch.IsARM64() || !a.edited(name, s.Arch.String()) {
			continue
		}
		if err := s.VerifySignature(ctx, a.plan.options.Load.Jobs); err != nil {
			return err
		}
	}
	return nil
}

// edited reports whether the plan changes the slice of a file of the result.
func (a *application) edited(name, arch string) bool {
	changes := func(c *Change) bool {
		return slices.ContainsFunc(c.Slices, func(s SliceChange) bool { return s.Arch == arch })
	}
	for i := range a.plan.Grafts {
		if a.plan.Grafts[i].Member == name {
			return changes(&a.plan.Grafts[i].Change)
		}
	}
	for i := range a.plan.Edits {
		if e := &a.plan.Edits[i]; a.resultName(e.Member) == name {
			return changes(&e.Change)
		}
	}
	return false
}

// resultName returns what a member is called in the result.
func (a *application) resultName(member string) string {
	for _, s := range a.plan.Scripts {
		if s.Member == member {
			return s.Moved
		}
	}
	return member
}
