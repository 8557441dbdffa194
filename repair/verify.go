package repair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/wheel"
)

// check reads the finished wheel back: every new member against what went into
// it, every copied one against its source, the tags, and by the simulated loader,
// without the libraries of this machine, that each needed library is in the wheel
// or promised by the policy.
func (a *application) check(ctx context.Context, out io.ReaderAt, size int64) error {
	r, err := wheel.NewReader(out, size)
	if err != nil {
		return err
	}
	known, err := a.known(r)
	if err != nil {
		return err
	}
	contents, err := a.plan.contents.Derive(ctx, a.plan.Output, r, a.plan.options.Load, known)
	if err != nil {
		return err
	}
	return errors.Join(a.checkContents(ctx, contents), contents.Close())
}

// known returns the members of the result whose bytes are known without
// inflating them, and the images of those that are binaries.
func (a *application) known(r *wheel.Reader) (map[string]audit.Image, error) {
	record, err := r.Record()
	if err != nil {
		return nil, err
	}
	known := map[string]audit.Image{}
	if err := a.knowCopied(known, r, record); err != nil {
		return nil, err
	}
	return known, a.knowNew(known, r, record)
}

// knowCopied compares the copied members with their sources.
func (a *application) knowCopied(known map[string]audit.Image, r *wheel.Reader, record *wheel.Record) error {
	for name, source := range a.copied {
		m, ok := r.Lookup(name)
		if !ok {
			return fmt.Errorf("%s: missing from the result", name)
		}
		equal, err := wheel.SameMember(source, m)
		if err != nil {
			return err
		}
		before, _ := a.record.Row(name)
		after, _ := record.Row(name)
		if !equal || before != after {
			return fmt.Errorf("%s: the copy in the result differs", name)
		}
		known[name] = audit.Image{}
	}
	for _, b := range a.plan.contents.Binaries {
		if _, ok := a.copied[b.Member.Name]; ok {
			known[b.Member.Name] = audit.Image{ELF: b.File}
		}
	}
	for _, b := range a.plan.contents.MachO {
		if _, ok := a.copied[b.Member.Name]; ok {
			known[b.Member.Name] = audit.Image{MachO: b.File}
		}
	}
	return nil
}

// knowNew compares the new members with what the writer compressed.
func (a *application) knowNew(known map[string]audit.Image, r *wheel.Reader, record *wheel.Record) error {
	for _, m := range r.Members() {
		if _, ok := known[m.Name]; ok {
			continue
		}
		row, _ := record.Row(m.Name)
		confirmed, err := a.writer.Confirm(m, row)
		if err != nil {
			return err
		}
		if !confirmed {
			continue
		}
		known[m.Name] = audit.Image{}
		if image := a.images[m.Name]; image != nil {
			if known[m.Name], err = a.imageOf(image); err != nil {
				return named(m.Name, err)
			}
		}
	}
	return nil
}

// imageOf reads an edited binary back.
func (a *application) imageOf(o *elf.Overlay) (image audit.Image, err error) {
	if a.plan.macos != nil {
		image.MachO, err = macho.NewFile(o, o.Size())
	} else {
		image.ELF, err = elf.NewFile(o, o.Size())
	}
	return image, err
}

// checkContents holds the result to what it claims, without the libraries of
// this machine.
func (a *application) checkContents(ctx context.Context, c *audit.Contents) error {
	info, err := c.Reader.Info()
	if err != nil {
		return err
	}
	if got := info.Tags(); !slices.Equal(got, a.plan.Tags) {
		return fmt.Errorf("the tags of the result read back as %q, want %q", got, a.plan.Tags)
	}
	opts := audit.VerifyOptions{Options: a.plan.options.Audit}
	opts.Graft, opts.Exclude = nil, nil
	for _, entry := range a.plan.kept {
		opts.KeepRPath = append(slices.Clone(opts.KeepRPath), linkage.QuotePattern(entry))
	}
	for _, soname := range a.plan.excluded {
		// A library that was excluded by its path has none here.
		opts.Exclude = append(opts.Exclude, linkage.QuotePattern(soname))
		opts.MacOS.Exclude = append(slices.Clone(opts.MacOS.Exclude), linkage.QuotePattern(soname))
	}
	proof, err := c.Prove(ctx, opts)
	if err != nil {
		return err
	}
	return errors.Join(a.checkProof(ctx, proof), proof.Close())
}

// checkProof refuses a result with a claim that fails and that a repair answers
// for. What the wheel had before and no repair changes becomes a finding.
func (a *application) checkProof(ctx context.Context, proof *audit.Proof) error {
	grafts := map[string]bool{}
	for i := range a.plan.Grafts {
		grafts[path.Base(a.plan.Grafts[i].Member)] = true
	}
	for _, claim := range proof.Failed() {
		for i := range claim.Faults {
			f := &claim.Faults[i]
			if claim.Topic == audit.TopicInstall || claim.Topic == audit.TopicArchive {
				// No repair renames members or mends headers: that is for the build.
				return fmt.Errorf("%s; correct that where the wheel is built, a repair does not change it", f)
			}
			if a.answersFor(claim.Topic, f, grafts) {
				return fmt.Errorf("claim %q fails: %s; this is a defect of wheelmend, please report it", claim.Text, f)
			}
			a.findings = append(a.findings, fmt.Sprintf("claim %q fails: %s", claim.Text, f))
		}
	}
	if proof.Report == nil {
		return nil
	}
	if a.plan.macos != nil {
		return a.checkMacOS(ctx, proof.Report)
	}
	return a.checkReport(proof.Report, grafts)
}

// answersFor reports whether a repair promises that there is no such fault.
func (a *application) answersFor(topic audit.Topic, f *audit.Fault, grafts map[string]bool) bool {
	if a.plan.tagsOnly {
		return topic == audit.TopicTags || topic == audit.TopicPlatform
	}
	if a.plan.macos != nil {
		return a.answersForMacOS(topic)
	}
	switch topic {
	case audit.TopicTags:
		return a.plan.agreed && !a.plan.options.KeepTags
	case audit.TopicPlatform:
		return !a.plan.options.KeepTags
	case audit.TopicSymbols:
		// ld.so refuses a library without a version that is wanted of it. Symbols
		// alone may have been missing before.
		return f.Version != "" && (grafts[f.Library] || grafts[path.Base(f.File)])
	case audit.TopicBinaries, audit.TopicLibraries, audit.TopicPaths:
		return true
	}
	return false
}

// checkReport holds the result to the policy of the plan, which is none of its
// tags if those are kept, and makes sure that grafts are found by search path
// and not only because something loaded them.
func (a *application) checkReport(rep *audit.Report, grafts map[string]bool) error {
	if a.plan.policy == nil {
		return nil // a plain linux tag promises nothing
	}
	if v := rep.Judge(a.plan.policy); !v.Meets() {
		b := v.Blockers[0]
		return fmt.Errorf("the result does not meet %s: %s: %s; this is a defect of wheelmend, please report it", a.plan.Policy, b.File, describe(b))
	}
	for _, o := range rep.Graph.Members {
		for _, e := range o.Edges {
			if grafts[e.Needed] && (e.Status != linkage.Found || e.Rule == linkage.ByName || e.Rule == linkage.Stranded) {
				return fmt.Errorf("the result is not self-contained: %s does not find %s; this is a defect of wheelmend, please report it", o.Path, e.Needed)
			}
		}
	}
	return nil
}
