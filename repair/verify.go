package repair

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
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
func (a *application) known(r *wheel.Reader) (map[string]linkage.Content, error) {
	record, err := r.Record()
	if err != nil {
		return nil, err
	}
	known := map[string]linkage.Content{}
	if err := a.knowCopied(known, r, record); err != nil {
		return nil, err
	}
	return known, a.knowNew(known, r, record)
}

// knowCopied compares the copied members with their sources.
func (a *application) knowCopied(known map[string]linkage.Content, r *wheel.Reader, record *wheel.Record) error {
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
		known[name] = nil
	}
	for _, b := range a.plan.contents.Files {
		if _, ok := a.copied[b.Member.Name]; ok {
			known[b.Member.Name] = b.Content
		}
	}
	return nil
}

// knowNew compares the new members with what the writer compressed.
func (a *application) knowNew(known map[string]linkage.Content, r *wheel.Reader, record *wheel.Record) error {
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
		known[m.Name] = nil
		if image := a.images[m.Name]; image != nil {
			if known[m.Name], err = a.plan.system.read(image); err != nil {
				return named(m.Name, err)
			}
		}
	}
	return nil
}

// checkContents holds the result to what it claims, without the libraries of
// this machine.
func (a *application) checkContents(ctx context.Context, c *audit.Contents) error {
	if err := checkTags(c.Reader, a.plan.Tags); err != nil {
		return err
	}
	return a.checkClaims(ctx, c)
}

// checkTags compares the Tag lines of a result with those that it was to have.
func checkTags(r *wheel.Reader, want []string) error {
	info, err := r.Info()
	if err != nil {
		return err
	}
	if got := info.Tags(); !slices.Equal(got, want) {
		return fmt.Errorf("the tags of the result read back as %q, want %q", got, want)
	}
	return nil
}
