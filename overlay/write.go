package overlay

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"
)

// writeStep is how many bytes are written before an interrupt is looked for.
const writeStep = 64 << 20

// WriteFile writes the edited image to dst, which is empty, reading what stays
// from src: the file that the image was read from. The bytes that stay where
// they are go through the kernel (copy_file_range(2)); a file system that can
// shares them. src is read at its file position, which nobody else may use
// meanwhile. The memory needed does not depend on the size of the image.
func (o *Overlay) WriteFile(ctx context.Context, dst, src *os.File) error {
	kept := o.keptPrefix()
	group, copying := errgroup.WithContext(ctx)
	group.Go(func() error { return copyRange(copying, dst, src, Run{Size: kept}) })
	group.Go(o.makeLate)
	if err := group.Wait(); err != nil {
		return err
	}
	for _, p := range o.pieces {
		if p.at < kept && p.from == p.at {
			continue
		}
		if err := p.writeTo(ctx, dst, src); err != nil {
			return err
		}
	}
	return nil
}

// makeLate makes what is not known yet.
func (o *Overlay) makeLate() error {
	for i := range o.pieces {
		if p := &o.pieces[i]; p.late != nil {
			if _, err := p.fresh(); err != nil {
				return err
			}
		}
	}
	return nil
}

// keptPrefix returns the offset up to which the original is copied as a whole,
// and written over where it has changed. One long copy can share blocks; runs
// between patches do not begin where blocks do.
func (o *Overlay) keptPrefix() int64 {
	kept := int64(0)
	for _, p := range o.pieces {
		if p.from == p.at {
			kept = p.at + p.n
		}
	}
	return kept
}

// writeTo writes one piece at its place.
func (pc *piece) writeTo(ctx context.Context, dst, src *os.File) error {
	if pc.from >= 0 {
		return copyRange(ctx, dst, src, Run{At: pc.at, From: pc.from, Size: pc.n})
	}
	if pc.data != nil || pc.late != nil {
		data, err := pc.fresh()
		if err != nil {
			return err
		}
		_, err = dst.WriteAt(data, pc.at)
		return err
	}
	_, err := io.Copy(io.NewOffsetWriter(dst, pc.at), io.LimitReader(zeros{}, pc.n))
	return err
}

// zeros reads as zero bytes without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// copyRange copies a run of the original to its place.
func copyRange(ctx context.Context, dst, src *os.File, r Run) error {
	if _, err := src.Seek(r.From, io.SeekStart); err != nil {
		return err
	}
	if _, err := dst.Seek(r.At, io.SeekStart); err != nil {
		return err
	}
	for left := r.Size; left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		// os.File.ReadFrom leaves this to the kernel where it can.
		n, err := io.CopyN(dst, src, min(left, writeStep))
		if err == io.EOF {
			return fmt.Errorf("the original ends at %d bytes, %d are wanted: %w", r.From+r.Size-left+n, r.From+r.Size, io.ErrUnexpectedEOF)
		}
		if err != nil {
			return err
		}
		startWriteback(dst, r.At+r.Size-left, n)
		left -= n
	}
	return nil
}
