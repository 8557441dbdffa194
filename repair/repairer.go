package repair

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/wheel"
)

// A Repairer repairs wheels one after the other. Libraries that several of them
// graft are patched and compressed once.
type Repairer struct {
	opts     Options
	share    share
	packages packages
	written  map[string]string // path of each result to its input
}

// NewRepairer returns a repairer. Close it when the last wheel is done.
func NewRepairer(opts Options) *Repairer {
	return &Repairer{opts: opts, share: share{grafts: map[string]shared{}}, packages: newPackages(opts.Audit.Sysroot), written: map[string]string{}}
}

// Close releases the finished wheels that the repairer keeps open.
func (r *Repairer) Close() error { return r.share.close() }

// A Result is a repaired wheel.
type Result struct {
	Plan *Plan  // nil for a pure wheel that was copied
	Path string // of the finished wheel; "" after a dry run
	Tag  string // platform tag of the wheel as it was

	System        []string // libraries that are left to the user's system
	Before, After int64    // bytes of the wheel and of the result; 0 after a dry run
	Unchanged     bool     // there was nothing to do: Path is the wheel itself

	// Findings tell what the finished wheel claims and is not so, and what no
	// repair changes: see [audit.Contents.Prove].
	Findings []string
}

// Plan decides how the wheel at path is repaired, and writes nothing.
func (r *Repairer) Plan(ctx context.Context, path string) (*Result, error) {
	result, err := r.open(ctx, path, NewPlan, func(*Plan) (*Result, error) { return &Result{}, nil })
	if errors.Is(err, ErrPure) && r.opts.AllowPure {
		return &Result{Tag: "any"}, nil
	}
	return result, err
}

// Repair writes the repaired wheel into dir, under the name that its tags give
// it. The name appears when the wheel is complete and has been read back. The
// input is never written to.
func (r *Repairer) Repair(ctx context.Context, path, dir string) (*Result, error) {
	result, err := r.open(ctx, path, NewPlan, func(p *Plan) (*Result, error) { return r.apply(ctx, p, path, dir) })
	if errors.Is(err, ErrPure) && r.opts.AllowPure {
		return r.copyPure(ctx, path, dir)
	}
	return result, err
}

// A decision makes the plan for a wheel.
type decision func(context.Context, *audit.Report, *Options) (*Plan, error)

// open audits and decides, then hands the plan to use while the wheel is open.
func (r *Repairer) open(ctx context.Context, path string, decide decision, use func(*Plan) (*Result, error)) (*Result, error) {
	w, err := wheel.Open(path)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	return r.read(ctx, filepath.Base(path), w.Reader, decide, use)
}

// read is [Repairer.open] for a wheel that is open.
func (r *Repairer) read(ctx context.Context, base string, w *wheel.Reader, decide decision, use func(*Plan) (*Result, error)) (*Result, error) {
	contents, err := audit.Load(ctx, base, w, r.opts.Load)
	if err != nil {
		return nil, err
	}
	defer contents.Close()
	rep, err := audit.Assess(ctx, contents, r.opts.Audit)
	if err != nil {
		return nil, err
	}
	defer rep.Close()
	p, err := decide(ctx, rep, &r.opts)
	if err != nil {
		return nil, err
	}
	result, err := use(p)
	if err != nil {
		return nil, err
	}
	result.Plan, result.Tag = p, rep.Tag()
	for _, l := range rep.Libraries(p.verdict) {
		if l.Action == audit.System || l.Action == audit.Excluded {
			result.System = append(result.System, l.Soname)
		}
	}
	return result, nil
}

// apply writes the result of a plan, and says where and what it found there.
func (r *Repairer) apply(ctx context.Context, p *Plan, input, dir string) (*Result, error) {
	if !p.tagsOnly && p.NothingToDo() && sameFile(input, filepath.Join(dir, p.Output)) {
		return unchanged(ctx, p, input)
	}
	out, err := r.outputPath(dir, p.Output, input)
	if err != nil {
		return nil, err
	}
	record, err := p.contents.Record()
	if err != nil {
		return nil, err
	}
	a := &application{
		plan: p, record: record, share: &r.share, copied: map[string]*wheel.Member{}, images: map[string]*overlay.Overlay{},
		writer: wheel.NewWriter(p.contents.Reader.DistInfo(), wheel.WriterOptions{Level: r.opts.Level, Jobs: r.opts.Load.Jobs, Cache: r.opts.Cache, Progress: r.opts.Progress}),
		time:   r.newTime(p),
	}
	if a.parts, err = newParts(ctx, p, r.packages, r.opts.Load.Jobs); err != nil {
		return nil, err
	}
	if err := errors.Join(a.fill(), p.graph.ReadError()); err != nil {
		return nil, err
	}
	err = wheel.Create(out,
		func(w io.WriterAt) (int64, error) { return a.writer.Write(ctx, w) },
		func(f io.ReaderAt, size int64) error { return a.check(ctx, f, size) })
	if err != nil {
		return nil, err
	}
	r.written[out] = input
	r.share.remember(out, p, a.time)
	return &Result{Path: out, Findings: a.findings, Before: sizeOf(input), After: sizeOf(out)}, nil
}

// unchanged is the result of repairing a wheel in its own folder that needs no repair. It
// is held to what it claims all the same.
func unchanged(ctx context.Context, p *Plan, input string) (*Result, error) {
	a := &application{plan: p}
	if err := a.checkClaims(ctx, p.contents); err != nil {
		return nil, err
	}
	size := sizeOf(input)
	return &Result{Path: input, Findings: a.findings, Before: size, After: size, Unchanged: true}, nil
}

// sameFile reports whether two paths lead to one file.
func sameFile(a, b string) bool {
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(one, other)
}

// sizeOf returns the bytes of a file, 0 for one that is not there.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// newTime returns the time of new members, so that it depends on the input
// alone.
func (r *Repairer) newTime(p *Plan) time.Time {
	if !r.opts.Epoch.IsZero() {
		return r.opts.Epoch
	}
	if m, ok := p.contents.Reader.Lookup(p.contents.Reader.DistInfo() + "/WHEEL"); ok {
		return m.Modified
	}
	return time.Time{}
}

// outputPath returns where the result goes, and refuses to replace the input or the
// result of another one.
func (r *Repairer) outputPath(dir, name, input string) (string, error) {
	if other, ok := r.written[filepath.Join(dir, name)]; ok {
		return "", &OptionError{OptionDirectory, fmt.Errorf("the result would replace that of %s", other)}
	}
	return outputPath(dir, name, input)
}

// outputPath returns where a result goes, and refuses to replace what it is made of.
func outputPath(dir, name string, inputs ...string) (string, error) {
	out := filepath.Join(dir, name)
	for _, input := range inputs {
		before, err := os.Stat(input)
		if err != nil {
			return "", err
		}
		if after, err := os.Stat(out); err == nil && os.SameFile(before, after) {
			return "", &OptionError{OptionDirectory, errors.New("the result would replace the wheel itself")}
		}
	}
	return out, os.MkdirAll(dir, 0o777)
}

// copyPure copies a wheel without binaries: as it is, or into an archive of its
// own if that of the input is not one that everybody reads alike.
func (r *Repairer) copyPure(ctx context.Context, path, dir string) (*Result, error) {
	out, err := r.outputPath(dir, filepath.Base(path), path)
	if err != nil {
		return nil, err
	}
	in, err := wheel.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	info, err := in.Info()
	if err != nil {
		return nil, err
	}
	plain := info.Plain()
	err = wheel.Create(out, func(w io.WriterAt) (int64, error) { return r.fillPure(ctx, w, in, info, len(plain) > 0) },
		func(f io.ReaderAt, size int64) error { return r.checkPure(ctx, filepath.Base(out), f, size) })
	if err != nil {
		return nil, err
	}
	r.written[out] = path
	result := &Result{Path: out, Tag: "any"}
	for _, what := range plain {
		result.Findings = append(result.Findings, "WHEEL is written anew: "+what)
	}
	return result, nil
}

// fillPure writes the copy of a pure wheel, with another WHEEL if that is to change.
func (r *Repairer) fillPure(ctx context.Context, w io.WriterAt, in *wheel.File, info *wheel.Info, changed bool) (int64, error) {
	odd, err := in.OddRows()
	if err != nil {
		return 0, err
	}
	if len(odd)+len(in.Oddities()) == 0 && !changed {
		return in.CopyTo(io.NewOffsetWriter(w, 0))
	}
	record, err := in.Record()
	if err != nil {
		return 0, err
	}
	out := wheel.NewWriter(in.DistInfo(), wheel.WriterOptions{Level: r.opts.Level, Jobs: r.opts.Load.Jobs})
	for _, m := range in.Members() {
		switch {
		case m.Name == in.DistInfo()+"/RECORD":
		case m.IsDir():
			out.Add(wheel.Header{Name: m.Name, Mode: m.Mode, Modified: m.Modified}, nil)
		case m.Name == in.DistInfo()+"/WHEEL" && changed:
			out.Add(wheel.Header{Name: m.Name, Mode: m.Mode, Modified: m.Modified}, bytes.NewReader(info.Bytes()))
		default:
			row, _ := record.Row(m.Name)
			out.Copy(m, row)
		}
	}
	return out.Write(ctx, w)
}

// checkPure refuses a copy that not every installer takes, or that is not what
// RECORD says.
func (r *Repairer) checkPure(ctx context.Context, base string, f io.ReaderAt, size int64) error {
	reader, err := wheel.NewReader(f, size)
	if err != nil {
		return err
	}
	proof, err := audit.Verify(ctx, base, reader, audit.VerifyOptions{Load: r.opts.Load})
	if err != nil {
		return err
	}
	defer proof.Close()
	for _, claim := range proof.Failed() {
		switch claim.Topic {
		case audit.TopicArchive, audit.TopicRecord, audit.TopicNames, audit.TopicTags, audit.TopicInstall:
			return fmt.Errorf("%s; correct that where the wheel is built, a repair does not change it", &claim.Faults[0])
		}
	}
	return nil
}
