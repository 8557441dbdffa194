package macho

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/wheelmend/wheelmend/internal/jobs"
)

// hashRun is how much one job reads and hashes at a time, in bytes; it holds
// whole pages of every size that signatures use.
const hashRun = 1 << 20

// hashPages returns the digests of the pages of an image, one after the other,
// several runs at once.
func hashPages(ctx context.Context, image *io.SectionReader, d *directory, n int) ([]byte, error) {
	run := max(hashRun, d.pageSize)
	pages := (image.Size() + d.pageSize - 1) / d.pageSize
	digests := make([]byte, pages*int64(d.hashSize))
	runs := (image.Size() + run - 1) / run
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(int64(jobs.Count(n)), runs) {
		group.Go(func() error {
			buf := make([]byte, min(run, image.Size()))
			for off := (next.Add(1) - 1) * run; off < image.Size(); off = (next.Add(1) - 1) * run {
				if err := ctx.Err(); err != nil {
					return err
				}
				part := buf[:min(run, image.Size()-off)]
				if got, err := image.ReadAt(part, off); got < len(part) {
					return fmt.Errorf("offset %#x: %w", off+int64(got), err)
				}
				d.digestPages(digests[off/d.pageSize*int64(d.hashSize):], part)
			}
			return nil
		})
	}
	return digests, group.Wait()
}

// digestPages puts the digests of the pages of a run into out.
func (d *directory) digestPages(out, run []byte) {
	for at := int64(0); at < int64(len(run)); at += d.pageSize {
		copy(out[at/d.pageSize*int64(d.hashSize):], d.digest(run[at:min(at+d.pageSize, int64(len(run)))]))
	}
}
