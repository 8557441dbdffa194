package audit

import (
	"fmt"
	"slices"
	"strings"

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

// claimArchive adds the claim that there is one way to read the archive: what
// PyPI's own check asks for, and what zipfile and uv agree on.
func (p *Proof) claimArchive(r *wheel.Reader) {
	p.claim(TopicArchive, "PyPI takes the archive, and every reader finds the same in it",
		phrase.Count(len(r.Members()), "member")+", by directory and by local headers", formatFaults(r.Oddities()))
}

// claimInstall adds the claim that pip, installer and uv make the same of the
// wheel: the headers that they read, and where they put each member.
func (p *Proof) claimInstall(c *Contents) {
	r := c.Reader
	faults := append(formatFaults(r.HeaderOddities()), formatFaults(r.Misplaced(c.Filename, !linuxOnly(c.Filename.Platform)))...)
	p.claim(TopicInstall, "pip, installer and uv install the same files from it", "WHEEL, METADATA, entry points and paths", faults)
}

// linuxOnly reports whether no tag is for a system whose file names differ by
// more than case.
func linuxOnly(tags []string) bool {
	return !slices.ContainsFunc(tags, func(tag string) bool {
		return tag == "any" || strings.HasPrefix(tag, "macosx_") || strings.HasPrefix(tag, "win")
	})
}

// formatFaults turns errors about a member into faults.
func formatFaults(errs []error) []Fault {
	var faults []Fault
	for _, err := range errs {
		faults = append(faults, newFault(err))
	}
	return faults
}
