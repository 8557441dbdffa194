package wheel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/wheelmend/wheelmend/internal/jobs"
)

// Scan inflates every file, n of them at a time (GOMAXPROCS if n is less
// than 1), and checks size, CRC-32 and the RECORD row: each file has exactly
// one, each row a member, and the digest is true. RECORD, RECORD.jws and
// RECORD.p7s need none (PEP 427). Directories need none either.
//
// visit, which may be nil, gets the content of each file and may be called
// concurrently. What it leaves unread is read and checked after it. An error of
// visit is returned with the member's name in front; damage to the member takes
// precedence, as it may be why visit failed.
//
// The error is that of the first member, in archive order, that has one,
// whatever the number of jobs.
func (r *Reader) Scan(ctx context.Context, n int, visit func(m *Member, content io.Reader) error) error {
	return r.ScanSome(ctx, n, func(*Member) bool { return true }, visit)
}

// ScanSome is Scan for the members that want picks. The rows of RECORD are
// compared with the names of all members; contents are read of those alone.
func (r *Reader) ScanSome(ctx context.Context, n int, want func(*Member) bool, visit func(m *Member, content io.Reader) error) error {
	record, err := r.Record()
	if err != nil {
		return err
	}
	if faults := r.checkRows(record, false); len(faults) > 0 {
		return faults[0]
	}
	s := &scan{ctx: ctx, reader: r, record: record, want: want, visit: visit, failed: len(r.members)}
	s.run(n)
	if len(s.errs) > 0 {
		return s.errs[s.failed]
	}
	return context.Cause(ctx)
}

// Inspect is ScanSome that does not end at the first fault. It returns all of
// them: that of RECORD itself, those of its rows, then those of members in
// archive order, one each. When RECORD cannot be read, members are only held to
// what the archive says. The error concerns the context alone.
func (r *Reader) Inspect(ctx context.Context, n int, want func(*Member) bool, visit func(m *Member, content io.Reader) error) (faults []error, err error) {
	record, err := r.Record()
	if err != nil {
		faults, record = append(faults, err), &Record{}
	} else {
		faults = append(r.checkRows(record, false), r.oddRows(record)...)
	}
	s := &scan{ctx: ctx, reader: r, record: record, want: want, visit: visit, failed: len(r.members), all: true}
	s.run(n)
	for _, i := range slices.Sorted(maps.Keys(s.errs)) {
		faults = append(faults, s.errs[i])
	}
	// A disk that fails says nothing about the wheel.
	return faults, r.disk.Over(context.Cause(ctx), "zip")
}

// checkRows compares the names in RECORD with those in the archive. It returns
// what is wrong with them: all of it, or the first faults and their number.
func (r *Reader) checkRows(record *Record, all bool) []error {
	faults := oddities{all: all}
	for _, m := range r.members {
		row, ok := record.Row(m.Name)
		switch {
		case m.IsDir() || isSignature(r.distInfo, m.Name):
		case !ok:
			faults.add(m.Name, -1, "member has no row in RECORD (PEP 427)")
		case row.Hash == "":
			faults.add(m.Name, -1, "RECORD row has no hash (PEP 427)")
		}
	}
	for _, row := range record.rows {
		if _, ok := r.byName[row.Path]; !ok {
			faults.add(row.Path, -1, "RECORD has a row for this member, the archive does not have it")
		}
	}
	return faults.errors()
}

// isSignature reports whether a member's RECORD row may be empty or missing.
func isSignature(distInfo, name string) bool {
	base, ok := strings.CutPrefix(name, distInfo+"/")
	return ok && (base == "RECORD" || base == "RECORD.jws" || base == "RECORD.p7s")
}

// A scan hands out members in order, and keeps the error of the earliest, or
// all of them.
type scan struct {
	ctx    context.Context
	reader *Reader
	record *Record
	want   func(*Member) bool
	visit  func(*Member, io.Reader) error
	all    bool // an error does not end the scan

	amender *amender // of a scan that amends rows, else nil

	mu     sync.Mutex
	next   int           // index of the member to hand out
	failed int           // index of the earliest member with an error
	errs   map[int]error // by index of the member
}

// run checks the members, n at a time.
func (s *scan) run(n int) {
	s.errs = map[int]error{}
	var wg sync.WaitGroup
	for range min(jobs.Count(n), len(s.reader.members)) {
		wg.Go(s.work)
	}
	wg.Wait()
}

// take returns the next member. After an error that ends the scan there is
// none: all that come before it are already handed out and will be finished.
func (s *scan) take() (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next >= len(s.reader.members) || s.next >= s.failed && !s.all || s.ctx.Err() != nil {
		return 0, false
	}
	s.next++
	return s.next - 1, true
}

func (s *scan) fail(i int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = min(s.failed, i)
	s.errs[i] = err
}

// work checks members until there are no more.
func (s *scan) work() {
	checker := &checker{sha256: sha256.New(), rest: make([]byte, 128<<10)}
	for i, ok := s.take(); ok; i, ok = s.take() {
		m := s.reader.members[i]
		if m.IsDir() || !s.want(m) {
			continue
		}
		if err := s.check(checker, m); err != nil {
			s.fail(i, err)
		}
	}
}

// check reads a member, and compares it with its row or amends that.
func (s *scan) check(c *checker, m *Member) error {
	row, listed := s.record.Row(m.Name)
	if s.amender == nil || isSignature(s.reader.distInfo, m.Name) {
		return c.check(s.ctx, m, row, s.visit)
	}
	claim := s.record.claimOf(row)
	amendment, err := c.amend(s.ctx, m, row, listed, claim, s.amender, s.visit)
	if amendment != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.amender.byMember[m.Name] = *amendment
	}
	return err
}

// amend is check for a row that may be amended.
func (c *checker) amend(ctx context.Context, m *Member, row RecordRow, listed bool, claim claimed, a *amender, visit func(*Member, io.Reader) error) (*Amendment, error) {
	if claim.odd == "" && listed && !a.rewrite {
		return nil, c.check(ctx, m, row, visit)
	}
	c.content.reset(m)
	c.sha256.Reset()
	var digest hash.Hash = c.sha256
	if claim.hash != nil {
		digest = bothHashes{c.sha256, claim.hash}
	}
	content := &hashedReader{ctx: ctx, r: &c.content, hash: digest}
	var visitErr error
	if visit != nil {
		visitErr = visit(m, content)
	}
	if err := content.drain(c.rest); err != nil {
		return nil, err
	}
	amendment, err := a.amend(m, row, listed, claim, c.sha256.Sum(nil))
	if err == nil && visitErr != nil {
		err = &visitError{m.Name, visitErr}
	}
	return amendment, err
}

// bothHashes feeds two hashes; its sum is that of the first.
type bothHashes struct {
	hash.Hash
	other hash.Hash
}

// Write implements io.Writer.
func (b bothHashes) Write(p []byte) (int, error) {
	b.other.Write(p) // a hash never returns an error
	return b.Hash.Write(p)
}

// A checker reads one member after another and uses its buffers again.
type checker struct {
	content memberReader
	sha256  hash.Hash
	rest    []byte
}

// check reads a member through visit, then what visit left.
func (c *checker) check(ctx context.Context, m *Member, row RecordRow, visit func(*Member, io.Reader) error) error {
	digest, want, err := c.digest(row)
	if err != nil {
		return err
	}
	c.content.reset(m)
	content := &hashedReader{ctx: ctx, r: &c.content, hash: digest}
	var visitErr error
	if visit != nil {
		visitErr = visit(m, content)
	}
	if err := content.drain(c.rest); err != nil {
		return err
	}
	if row.Size >= 0 && row.Size != m.Size {
		return recordErr(m.Name, "RECORD gives %d bytes, the member has %d", row.Size, m.Size)
	}
	if digest != nil && !bytes.Equal(digest.Sum(nil), want) {
		return recordErr(m.Name, "content does not have the hash %q that RECORD gives", row.Hash)
	}
	if visitErr != nil {
		return &visitError{m.Name, visitErr}
	}
	return nil
}

// digest returns the hash to compute and its expected value, nil for a row
// without one.
func (c *checker) digest(row RecordRow) (hash.Hash, []byte, error) {
	if row.Hash == "" {
		return nil, nil, nil
	}
	digest, want, err := rowHash(row)
	if err == nil && strings.HasPrefix(row.Hash, "sha256=") {
		c.sha256.Reset()
		digest = c.sha256
	}
	return digest, want, err
}

// A hashedReader feeds a hash, which may be nil, with what is read.
type hashedReader struct {
	ctx  context.Context
	r    io.Reader
	hash hash.Hash
}

// Read implements io.Reader.
func (h *hashedReader) Read(p []byte) (int, error) {
	if h.ctx.Err() != nil {
		return 0, context.Cause(h.ctx)
	}
	n, err := h.r.Read(p)
	if h.hash != nil {
		h.hash.Write(p[:n]) // a hash never returns an error
	}
	return n, err
}

// drain reads to the end.
func (h *hashedReader) drain(buf []byte) error {
	for {
		if _, err := h.Read(buf); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// A visitError names the member whose visit failed.
type visitError struct {
	member string
	err    error
}

func (e *visitError) Error() string { return quoteName(e.member) + ": " + e.err.Error() }
func (e *visitError) Unwrap() error { return e.err }
