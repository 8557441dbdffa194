package macho

import (
	"cmp"
	"context"
	"errors"

	"github.com/wheelmend/wheelmend/overlay"
)

// Options tunes [File.Edit].
type Options struct {
	// FileName of the file. A signature where there was none gets its identifier
	// from it, as codesign does it; "" stands for the install name, else "image".
	FileName string
	Jobs     int // pages hashed at once; less than 1 means GOMAXPROCS
	// LateSignature leaves the hashing to who first reads a signature, or writes the
	// result to a file, with the context of the edit. An error comes from there.
	LateSignature bool
}

// Edit carries out the edits in their order on every slice and returns the edited
// file, which reads from the same source as f. What an edit removes or replaces
// may be absent from some slices, not from all. A slice that changes is signed ad
// hoc if it had a signature or is for arm64, which macOS loads only signed; one
// that does not change keeps its bytes. A file that cannot be edited with
// certainty is refused with the reason.
func (f *File) Edit(ctx context.Context, edits ...Edit) (*overlay.Overlay, error) {
	return f.EditWith(ctx, Options{}, edits...)
}

// EditWith is [File.Edit] with options.
func (f *File) EditWith(ctx context.Context, opts Options, edits ...Edit) (*overlay.Overlay, error) {
	drafts := f.drafts()
	for _, edit := range edits {
		if err := onEach(drafts, edit); err != nil {
			return nil, err
		}
	}
	return f.finish(ctx, opts, drafts)
}

// onEach carries out one edit on every slice.
func onEach(drafts []*draft, edit Edit) error {
	var absent error
	missed := 0
	for _, d := range drafts {
		err := edit(d)
		if errors.As(err, new(absentError)) {
			missed++
			absent = cmp.Or(absent, err)
			continue
		}
		if err != nil {
			return d.s.locate(err)
		}
	}
	if missed == len(drafts) {
		return absent
	}
	return nil
}

// EditSlices is [File.Edit] with edits of its own for each slice, in the order of
// [File.Slices]. What they remove or replace must be there.
func (f *File) EditSlices(ctx context.Context, opts Options, edits [][]Edit) (*overlay.Overlay, error) {
	drafts := f.drafts()
	for i, d := range drafts {
		for _, edit := range edits[i] {
			if err := edit(d); err != nil {
				return nil, d.s.locate(err)
			}
		}
	}
	return f.finish(ctx, opts, drafts)
}

func (f *File) drafts() []*draft {
	var drafts []*draft
	for _, s := range f.Slices {
		drafts = append(drafts, newDraft(s))
	}
	return drafts
}

// finish puts the edited file together.
func (f *File) finish(ctx context.Context, opts Options, drafts []*draft) (*overlay.Overlay, error) {
	o, err := f.assemble(ctx, opts, drafts)
	if err = f.r.Over(err, "macho"); err != nil {
		return nil, err
	}
	return o, nil
}

func (f *File) assemble(ctx context.Context, opts Options, drafts []*draft) (*overlay.Overlay, error) {
	images := make([]*overlay.Overlay, len(drafts))
	edited := false
	for i, d := range drafts {
		image, err := d.finish(ctx, opts)
		if err != nil {
			return nil, d.s.locate(err)
		}
		images[i], edited = image, edited || image.Edited()
	}
	if !edited {
		b := overlay.NewBuilder(f.r)
		b.Original(0, f.size)
		return b.Overlay(false), nil
	}
	if !f.Fat {
		return images[0], nil
	}
	return f.join(images)
}

// finish makes the edited slice.
func (d *draft) finish(ctx context.Context, opts Options) (*overlay.Overlay, error) {
	if !d.changed() && !d.sign {
		return d.s.original(), nil
	}
	p, err := newPlan(d, opts)
	if err != nil {
		return nil, err
	}
	image, err := p.run(ctx)
	if err != nil {
		return nil, err
	}
	if !d.changed() {
		// Signed again with the same result: there is nothing to write.
		if same, err := sameContent(image, d.s.r, image.Size(), d.s.Size); err != nil || same {
			return d.s.original(), err
		}
	}
	return image, p.check(d, image)
}

// original returns the slice as it is.
func (s *Slice) original() *overlay.Overlay {
	b := overlay.NewBuilder(s.r)
	b.Original(0, s.Size)
	return b.Overlay(false)
}
