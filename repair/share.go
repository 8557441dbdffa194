package repair

import (
	"encoding/json"
	"maps"
	"path"
	"time"

	"github.com/wheelmend/wheelmend/wheel"
)

// A share remembers which finished wheel of this run holds which graft, so that
// the next wheel copies its compressed bytes.
type share struct {
	grafts map[string]shared
	wheels []*wheel.File
}

type shared struct {
	member *wheel.Member
	row    wheel.RecordRow
	wheel  *wheel.File
}

// graftKey identifies the bytes and the header of a graft.
func graftKey(g *Graft, modified time.Time) string {
	change, err := json.Marshal(g.Change)
	if err != nil {
		return "" // strings and booleans always encode
	}
	name := ""
	if signedByName(g.file) {
		name = path.Base(g.Member) + " "
	}
	return name + g.SHA256 + " " + modified.UTC().Format(time.RFC3339) + " " + string(change)
}

func (s *share) lookup(g *Graft, modified time.Time) (*wheel.Member, wheel.RecordRow, bool) {
	found, ok := s.grafts[graftKey(g, modified)]
	return found.member, found.row, ok
}

// maxShared is how many finished wheels stay open: each takes a descriptor.
const maxShared = 8

// remember opens a finished wheel and notes the grafts that no other has. When
// that cannot be done, later wheels make their grafts anew.
func (s *share) remember(path string, p *Plan, modified time.Time) {
	var grafts []*Graft
	for i := range p.Grafts {
		if _, _, ok := s.lookup(&p.Grafts[i], modified); !ok {
			grafts = append(grafts, &p.Grafts[i])
		}
	}
	if len(grafts) == 0 {
		return
	}
	if len(s.wheels) == maxShared {
		s.dropFirst()
	}
	w, err := wheel.Open(path)
	if err != nil {
		return
	}
	s.wheels = append(s.wheels, w)
	record, err := w.Record()
	if err != nil {
		return
	}
	for _, g := range grafts {
		m, ok := w.Lookup(g.Member)
		row, hasRow := record.Row(g.Member)
		if ok && hasRow {
			s.grafts[graftKey(g, modified)] = shared{m, row, w}
		}
	}
}

// dropFirst forgets the wheel that was finished first.
func (s *share) dropFirst() {
	first := s.wheels[0]
	s.wheels = s.wheels[1:]
	maps.DeleteFunc(s.grafts, func(_ string, g shared) bool { return g.wheel == first })
	first.Close() // read only: nothing to lose
}

func (s *share) close() error {
	var first error
	for _, w := range s.wheels {
		if err := w.Close(); err != nil && first == nil {
			first = err
		}
	}
	s.wheels, s.grafts = nil, map[string]shared{}
	return first
}
