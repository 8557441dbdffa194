package elf

import (
	"debug/elf"
)

// keptNeeds returns the version needs that stay.
func (p *plan) keptNeeds() []need {
	var kept []need
	for _, n := range p.d.needs {
		if !n.dropped {
			kept = append(kept, n)
		}
	}
	return kept
}

// relinkNeeds makes the dynamic entries follow when version needs are dropped:
// DT_VERNEED points at the first that stays, or goes away with the last.
func (p *plan) relinkNeeds() {
	if p.d.wants != nil {
		p.relinkWants()
		return
	}
	kept := p.keptNeeds()
	if len(kept) == len(p.d.needs) {
		return
	}
	if len(kept) == 0 {
		p.d.remove(func(e entry) bool { return e.Tag == elf.DT_VERNEED || e.Tag == elf.DT_VERNEEDNUM })
		return
	}
	for i := range p.d.entries {
		switch e := &p.d.entries[i]; e.Tag {
		case elf.DT_VERNEED:
			e.Val += kept[0].off - p.d.needs[0].off
		case elf.DT_VERNEEDNUM:
			e.Val = uint64(len(kept))
		}
	}
}

// patchNeeds writes vn_file of renamed libraries, links the chain around
// dropped ones, and makes their symbols unversioned.
func (p *plan) patchNeeds() error {
	if p.d.wants != nil {
		return nil // see patchReferences
	}
	order := p.f.appendOrder()
	kept := p.keptNeeds()
	for i, n := range kept {
		if n.renamed {
			p.b.patch(n.off+4, order.AppendUint32(nil, uint32(n.file)))
		}
		if len(kept) == len(p.d.needs) {
			continue
		}
		next := uint64(0)
		if i+1 < len(kept) {
			next = kept[i+1].off - n.off
		}
		p.b.patch(n.off+12, order.AppendUint32(nil, uint32(next)))
	}
	if len(kept) == len(p.d.needs) {
		return nil
	}
	return p.unversion()
}

// unversion sets the .gnu.version entry of every symbol whose version need was
// dropped to VER_NDX_GLOBAL.
func (p *plan) unversion() error {
	dropped, err := p.droppedVersions()
	if err != nil {
		return err
	}
	count, err := p.f.symbolCount()
	if err != nil {
		return err
	}
	off, ok, err := p.f.table(elf.DT_VERSYM, uint64(count)*versymSize)
	if !ok || err != nil {
		return err
	}
	buf, err := p.f.read(".gnu.version", off, uint64(count)*versymSize)
	if err != nil {
		return err
	}
	for i := range count {
		entry := buf[i*versymSize:][:versymSize]
		if dropped[p.f.Order.Uint16(entry)&^versymHidden] {
			p.f.Order.PutUint16(entry, versymGlobal)
		}
	}
	p.b.patch(off, buf)
	return nil
}

// droppedVersions tells for each version index whether its need was dropped. It
// refuses indexes of which that cannot be said, and versions that stay under the
// reserved index which the symbols get.
func (p *plan) droppedVersions() ([]bool, error) {
	defs, err := p.f.VersionDefs()
	if err != nil {
		return nil, err
	}
	dropped, kept := make([]bool, maxVersions), make([]bool, maxVersions)
	for _, d := range defs {
		kept[d.Index] = kept[d.Index] || !d.Base
	}
	for _, n := range p.d.needs {
		for _, v := range n.Versions {
			dropped[v.Index] = dropped[v.Index] || n.dropped
			kept[v.Index] = kept[v.Index] || !n.dropped
		}
	}
	for i := range dropped {
		if kept[i] && (dropped[i] || i <= versymGlobal) {
			return nil, formatErr(p.f.tagAt(elf.DT_VERNEED), "version index %d stands for two versions, so the library cannot be removed safely", i)
		}
	}
	return dropped, nil
}

// moveNeedsSection keeps the header of .gnu.version_r true when needs are dropped.
func (p *plan) moveNeedsSection(s *Section) {
	if p.d.wants != nil {
		s.Info, s.Size = uint32(len(p.d.wants)), p.wantsSize()
		return
	}
	kept := p.keptNeeds()
	if len(kept) == len(p.d.needs) {
		return
	}
	s.Info = uint32(len(kept))
	if len(kept) > 0 {
		d := kept[0].off - p.d.needs[0].off
		s.Addr, s.Off, s.Size = s.Addr+d, s.Off+d, s.Size-d
	}
}
