package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// VerifyOptions tunes a verification. With the zero value no library of this
// machine counts: what a wheel needs lies in it, or is promised by its tags.
type VerifyOptions struct {
	Options
	// System has the system that Options describes read as well: symbols that
	// the wheel wants of it are looked up there. What is promised stays the same.
	System bool
	Load   LoadOptions
}

// Verify holds the wheel called base (its file name) to all that it claims. A
// claim that fails is no error. Errors are what keeps the wheel from being
// looked at: a name that is none of a wheel, or a system that cannot be read.
func Verify(ctx context.Context, base string, r *wheel.Reader, opts VerifyOptions) (p *Proof, err error) {
	c, err := newContents(base, r, opts.Load)
	if err != nil {
		return nil, err
	}
	c.damaged = map[Format][]Fault{}
	defer func() { err = errors.Join(err, c.Close()) }()
	faults, err := c.collect(ctx, &opts.Load)
	if err != nil {
		return nil, err
	}
	p = &Proof{Wheel: base}
	p.claimArchive(r)
	p.claimRecord(r, faults)
	if err := errors.Join(c.prove(ctx, p, opts), c.Reader.ReadError()); err != nil {
		return nil, err
	}
	return p, nil
}

// Prove holds a wheel whose members have been read to what it claims, beyond
// RECORD: [Load] and [Contents.Derive] have refused what contradicts that.
func (c *Contents) Prove(ctx context.Context, opts VerifyOptions) (*Proof, error) {
	p := &Proof{Wheel: c.Filename.String()}
	p.claimArchive(c.Reader)
	if err := errors.Join(c.prove(ctx, p, opts), c.Reader.ReadError()); err != nil {
		return nil, err
	}
	return p, nil
}

// collect is scan for a wheel that may be damaged: it reads all that it can and
// returns what contradicts RECORD.
func (c *Contents) collect(ctx context.Context, opts *LoadOptions) ([]Fault, error) {
	var mu sync.Mutex
	var over error // of a limit on what all files have: no fault of the member
	errs, err := c.Reader.Inspect(ctx, opts.Jobs, func(*wheel.Member) bool { return true }, opts.counted(c.Reader, func(m *wheel.Member, content io.Reader) error {
		mu.Lock()
		done := over != nil
		mu.Unlock()
		if done {
			return nil
		}
		found, err := c.inspect(m, content)
		mu.Lock()
		defer mu.Unlock()
		for _, format := range formats() {
			if format.damaged(err) {
				c.damaged[format.Format] = append(c.damaged[format.Format], Fault{File: m.Name, Reason: err.Error()})
				return nil
			}
		}
		if err == nil {
			c.add(m, found)
		}
		if limit := (*budget.Error)(nil); over == nil && errors.As(err, &limit) {
			over = fmt.Errorf("%s: %w", m.Name, err)
		}
		return err
	}))
	if over != nil {
		return nil, over
	}
	c.sort()
	var faults []Fault
	for _, e := range errs {
		faults = append(faults, newFault(e))
	}
	return faults, err
}

// prove adds every claim but that about RECORD.
func (c *Contents) prove(ctx context.Context, p *Proof, opts VerifyOptions) error {
	p.claimNames(c)
	p.claimPyPI(c)
	p.claimInstall(c)
	if !opts.System {
		opts.SearchPath, opts.LibraryPath, opts.Sysroot, opts.WheelOnly = nil, nil, "", true
		opts.Dyld = linkage.DyldOptions{DylibsOnly: opts.Dyld.DylibsOnly}
	}
	report, err := Assess(ctx, c, opts.Options)
	for _, format := range formats() {
		// Some only turn out to be broken when their symbols are looked at.
		broken := slices.Clone(c.damaged[format.Format])
		if format.damaged(err) {
			broken = append(broken, Fault{Reason: err.Error()})
		}
		if len(broken) > 0 {
			p.claim(TopicBinaries, "each "+format.name+" file can be read", format.rules, broken)
		}
		if format.damaged(err) || err != nil && format.Format == ELF && len(broken) > 0 {
			p.unchecked(TopicPlatform, "what the tags promise is met, and what the files need is found", "not all "+format.name+" files can be read", nil)
			return nil
		}
	}
	var archs *archError
	switch {
	case errors.As(err, &archs):
		p.claim(TopicPlatform, "the platform tags are for one architecture", "the file name", []Fault{{Reason: err.Error()}})
		return nil
	case err != nil:
		return err
	}
	p.Report = report
	return p.claimBinaries(ctx, opts)
}

// claimBinaries adds the claims about what the wheel's binaries ask for.
func (p *Proof) claimBinaries(ctx context.Context, opts VerifyOptions) error {
	r := p.Report
	p.claimForeign()
	switch {
	case r.Unserved != nil:
		p.claimUnserved()
		return nil
	case r.system == nil:
		p.claimNoBinary()
		return nil
	}
	return r.system.claims(ctx, p, opts)
}

// claimReadable adds the claim that no binary is damaged. Those that are have a claim of
// their own.
func (p *Proof) claimReadable(basis string) {
	if format := p.Report.format(); len(p.Report.Contents.damaged[format.Format]) == 0 {
		p.claim(TopicBinaries, "each "+format.name+" file can be read", basis, nil)
	}
}

// claimForeign says which members nobody looked into.
func (p *Proof) claimForeign() {
	var open []Fault
	for _, f := range p.Report.Foreign {
		open = append(open, Fault{File: f.Path, Reason: f.Kind})
	}
	if len(open) > 0 {
		p.unchecked(TopicBinaries, "files in the formats of other systems are sound", "only "+p.Report.formatsRead()+" are read", open)
	}
}

// formatsRead names the files that are looked into.
func (r *Report) formatsRead() string {
	switch {
	case r.Unserved != nil:
		return "wheels for Linux, Android, macOS and Windows"
	case r.Format == Pure:
		return "ELF, Mach-O and PE files"
	}
	return r.format().reads
}

// claimUnserved leaves open what the tags of a wheel for another system promise. A
// tag that none of its binaries is for fails.
func (p *Proof) claimUnserved() {
	u := p.Report.Unserved
	for _, tag := range p.Report.Contents.Filename.Platform {
		text, s := "what "+tag+" promises is met", tagSystem(tag)
		if u.has(s) {
			p.unchecked(TopicPlatform, text, u.Error(), nil)
			continue
		}
		p.claim(TopicPlatform, text, "the binaries", []Fault{{File: u.Binaries[0].First, Reason: fmt.Sprintf("it is for %v", u.Binaries[0].OS)}})
	}
}

// claimNoBinary holds the platform tags of a wheel without binaries to that, and leaves
// them open if there are some that cannot be read.
func (p *Proof) claimNoBinary() {
	damaged := formatWhere(func(f fileFormat) bool { return len(p.Report.Contents.damaged[f.Format]) > 0 })
	for _, tag := range p.Report.Contents.Filename.Platform {
		text := "what " + tag + " promises is met"
		platform, err := policy.ParsePlatform(tag)
		switch {
		case err != nil:
			p.claimUnknown(tag, text, err)
		case damaged.fileReader != nil:
			p.unchecked(TopicPlatform, text, "no "+damaged.name+" file can be read", nil)
		case len(p.Report.Foreign) > 0:
			p.unchecked(TopicPlatform, text, "only ELF, Mach-O and PE files are read", nil)
		case platform.Family == policy.Any:
			p.claim(TopicPlatform, "the wheel runs on any platform", "it holds no binary", nil)
		default:
			p.claim(TopicPlatform, text, "it holds no binary that could ask for more", nil)
		}
	}
}
