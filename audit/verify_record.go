package audit

import (
	"fmt"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/wheel"
)

// claimRecord adds the claim that RECORD and the members agree. faults is what
// a scan of all members found.
func (p *Proof) claimRecord(r *wheel.Reader, faults []Fault) {
	files, size := 0, int64(0)
	for _, m := range r.Members() {
		if !m.IsDir() {
			files++
			size += m.Size
		}
	}
	basis := fmt.Sprintf("%s, %d bytes, read, inflated and hashed", phrase.Count(files, "file"), size)
	p.claim(TopicRecord, "RECORD has one row for each file, with its true hash and size", basis, faults)
}
