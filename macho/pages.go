package macho

import (
	"context"
	"fmt"
	"io"

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
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(jobs.Count(n))
	for off := int64(0); off < image.Size(); off += run {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			buf := make([]byte, min(run, image.Size()-off))
			if got, err := image.ReadAt(buf, off); got < len(buf) {
				return fmt.Errorf("macho: offset %#x: %w", off+int64(got), err)
			}
			for at := int64(0); at < int64(len(buf)); at += d.pageSize {
				page := buf[at:min(at+d.pageSize, int64(len(buf)))]
				copy(digests[(off+at)/d.pageSize*int64(d.hashSize):], d.digest(page))
			}
			return nil
		})
	}
	return digests, group.Wait()
}
