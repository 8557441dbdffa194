package repair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/wheel"
)

// check reads the merged wheel back: all of it against RECORD, each slice against
// the file that it comes from, and the whole against what it claims.
func (m *merger) check(ctx context.Context, out io.ReaderAt, size int64) error {
	r, err := wheel.NewReader(out, size)
	if err != nil {
		return err
	}
	c, err := audit.Load(ctx, m.output.String(), r, m.opts.Load)
	if err != nil {
		return err
	}
	return errors.Join(m.checkContents(ctx, c), c.Close())
}

func (m *merger) checkContents(ctx context.Context, c *audit.Contents) error {
	if err := checkTags(c.Reader, m.tags); err != nil {
		return err
	}
	found := 0
	for _, b := range c.Files {
		donors, ok := m.donors[b.Member.Name]
		if !ok {
			continue
		}
		found++
		for _, d := range donors {
			if err := d.checkIn(b.MachO()); err != nil {
				return named(b.Member.Name, err)
			}
		}
	}
	if found != len(m.donors) {
		return fmt.Errorf("%d universal files read back, want %d", found, len(m.donors))
	}
	proof, err := c.Prove(ctx, audit.VerifyOptions{Load: m.opts.Load})
	if err != nil {
		return err
	}
	return errors.Join(m.checkProof(proof), proof.Close())
}

// checkIn reports a slice that the joined file has not with all its bytes.
func (d *donor) checkIn(joined *macho.File) error {
	for _, s := range d.slices {
		to := joined.Slice(s.Arch.String())
		if to == nil {
			return fmt.Errorf("its %v slice is missing from the result", s.Arch)
		}
		want, err := fileDigest(io.NewSectionReader(d.file, s.Off, s.Size))
		if err != nil {
			return err
		}
		got, err := fileDigest(io.NewSectionReader(joined, to.Off, to.Size))
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("its %v slice differs in the result", s.Arch)
		}
	}
	return nil
}

// checkProof refuses a result with a claim that fails and that held for each wheel
// alone. What both had before becomes a finding.
func (m *merger) checkProof(proof *audit.Proof) error {
	for _, claim := range proof.Failed() {
		for i := range claim.Faults {
			f := &claim.Faults[i]
			switch claim.Topic {
			case audit.TopicArchive, audit.TopicInstall, audit.TopicNames, audit.TopicTags, audit.TopicBinaries, audit.TopicPlatform:
				return fmt.Errorf("the wheels cannot be merged to %s: %s", m.result.Platform, f)
			}
			m.result.Findings = append(m.result.Findings, fmt.Sprintf("claim %q fails: %s", claim.Text, f))
		}
	}
	for lost := range lostLibraries(proof.Report) {
		if !m.halves[0].lost[lost] && !m.halves[1].lost[lost] {
			file, library, _ := strings.Cut(lost, ": ")
			return fmt.Errorf("the wheels cannot be merged: %s would not find %s any more", file, library)
		}
	}
	return nil
}
