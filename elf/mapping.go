package elf

import (
	"debug/elf"
	"slices"
	"sort"
)

// A run is a stretch of addresses to which the loader maps a stretch of the
// file.
type run struct {
	addr, end uint64 // virtual addresses
	off       uint64 // file offset of addr
}

// pages returns the addresses that the loader maps from the file for a PT_LOAD.
// It maps whole pages, so that bytes of the file around the segment come along:
// patchelf 0.17 left part of .dynstr there. Zeros take the place of those behind
// a segment that goes on with .bss (elf/dl-map-segments.h in glibc, fs/binfmt_elf.c
// in Linux). A larger page than the smallest is not counted on.
func (f *File) pages(p *Prog) (from, to uint64) {
	from, to = p.Vaddr, p.Vaddr+p.Filesz
	if p.Filesz == 0 || (p.Vaddr-p.Off)%minPage != 0 {
		return from, to
	}
	from -= p.Vaddr % minPage
	if p.Memsz == p.Filesz {
		to += min(roundUp(to, minPage)-to, uint64(f.size)-(p.Off+p.Filesz))
	}
	return from, to
}

// mapRuns works out what the loader maps where. A segment replaces what those in
// front of it in the table have at the same addresses.
func (f *File) mapRuns() {
	var runs []run
	for i := range f.maps {
		p := &f.maps[i]
		from, to := f.pages(p)
		hole := max(to, p.Vaddr+p.Memsz)
		if p.Filesz == 0 {
			hole = max(hole, from) // .bss alone, which need not begin a page
		}
		runs = cutRuns(runs, from, hole)
		if from < to {
			runs = append(runs, run{from, to, p.Off - (p.Vaddr - from)})
		}
	}
	slices.SortFunc(runs, func(x, y run) int {
		if x.addr < y.addr {
			return -1
		}
		return 1
	})
	joined := runs[:0]
	for _, r := range runs {
		if n := len(joined) - 1; n >= 0 && joined[n].end == r.addr && joined[n].off+(r.addr-joined[n].addr) == r.off {
			joined[n].end = r.end
		} else {
			joined = append(joined, r)
		}
	}
	f.runs = joined
}

// cutRuns takes the addresses from..to out of the runs.
func cutRuns(runs []run, from, to uint64) []run {
	if !slices.ContainsFunc(runs, func(r run) bool { return r.addr < to && from < r.end }) {
		return runs
	}
	var kept []run
	for _, r := range runs {
		if r.addr < from {
			kept = append(kept, run{r.addr, min(r.end, from), r.off})
		}
		if r.end > to {
			at := max(r.addr, to)
			kept = append(kept, run{at, r.end, r.off + (at - r.addr)})
		}
	}
	return kept
}

// runAt returns the run that holds an address, or ends there.
func (f *File) runAt(vaddr uint64) (run, bool) {
	i := sort.Search(len(f.runs), func(i int) bool { return f.runs[i].addr > vaddr })
	if i == 0 || vaddr > f.runs[i-1].end {
		return run{}, false
	}
	return f.runs[i-1], true
}

// offsetOf translates the n bytes at virtual address vaddr into a file offset,
// as the loader maps them.
func (f *File) offsetOf(vaddr, n uint64) (uint64, bool) {
	r, ok := f.runAt(vaddr)
	if !ok || n > r.end-vaddr {
		return 0, false
	}
	return r.off + (vaddr - r.addr), true
}

// mapEnd returns the file offset at which ends what the loader maps in one piece
// with the byte at off; off itself when that is not mapped. What follows is not
// what the loader sees.
func (f *File) mapEnd(off uint64) uint64 {
	for i := range f.maps {
		p := &f.maps[i]
		if off < p.Off || off-p.Off >= p.Filesz {
			continue
		}
		if r, ok := f.runAt(p.Vaddr + (off - p.Off)); ok && r.off-r.addr == p.Off-p.Vaddr {
			return r.off + (r.end - r.addr)
		}
		return p.Off + p.Filesz
	}
	for _, r := range f.runs {
		if off >= r.off && off-r.off < r.end-r.addr {
			return r.off + (r.end - r.addr)
		}
	}
	return off
}

// widened returns the file with segments that reach as far as what is used of
// the pages that the loader maps for them: the same bytes at the same addresses,
// and program headers that say so. It is f itself where they do already.
func (f *File) widened() (*File, error) {
	used, err := f.extents()
	if err != nil {
		return nil, err
	}
	progs, widens := slices.Clone(f.Progs), false
	for _, x := range used {
		if x.n == 0 || x.header || f.covered(x.off, x.n) {
			continue
		}
		widens = true
		bias := f.biasAt(x.off)
		for i := range progs {
			if p := &f.Progs[i]; p.Type == elf.PT_LOAD && p.Vaddr-p.Off == bias {
				f.widen(&progs[i], p, x)
			}
		}
	}
	if !widens {
		return f, nil
	}
	b := newBuilder(f.r)
	b.patch(f.Phoff, f.encodeProgs(progs))
	b.original(0, uint64(f.size))
	wide, err := NewFile(b.out.Overlay(true), f.size)
	if err != nil {
		return nil, because(err, "its segments do not cover what is used of them, and cannot be made to")
	}
	wide.r, wide.dynamic.strings.r = f.r, f.r // the headers have been read
	return wide, nil
}

// leadsTo reports whether the loader is told to look at an address, by a program
// header or a dynamic entry.
func (f *File) leadsTo(addr uint64) bool {
	return slices.ContainsFunc(f.Progs, func(p Prog) bool { return p.Vaddr == addr && p.Type != elf.PT_LOAD }) ||
		slices.ContainsFunc(f.dynamic.entries, func(e Dyn) bool { return e.Val == addr })
}

// covered reports whether one PT_LOAD says that it has these bytes of the file,
// or no page of any has one of them.
func (f *File) covered(off, n uint64) bool {
	for i := range f.maps {
		if p := &f.maps[i]; off >= p.Off && off-p.Off <= p.Filesz && n <= p.Filesz-(off-p.Off) {
			return true
		}
	}
	return !slices.ContainsFunc(f.runs, func(r run) bool { return off < r.off+(r.end-r.addr) && r.off < off+n })
}

// biasAt returns the distance from a file offset to its address. A page of the
// file may be mapped for two segments: then it is that of the one which has the
// byte, or whose end is in front of it.
func (f *File) biasAt(off uint64) uint64 {
	best, bias := 0, uint64(0)
	for i := range f.maps {
		p := &f.maps[i]
		from, to := f.pages(p)
		rank := 0
		switch {
		case off >= p.Off && off-p.Off < p.Filesz:
			rank = 3
		case off >= p.Off && off-p.Off < to-p.Vaddr:
			rank = 2
		case off < p.Off && p.Off-off <= p.Vaddr-from:
			rank = 1
		}
		if rank > best {
			best, bias = rank, p.Vaddr-p.Off
		}
	}
	return bias
}

// widen makes the segment p, which was old, reach over the bytes of x that are in
// its pages and not in those of another.
func (f *File) widen(p, old *Prog, x extent) {
	from, to := f.pages(old)
	for _, r := range f.runs {
		if r.off-r.addr != old.Off-old.Vaddr || r.end <= from || to <= r.addr {
			continue
		}
		// What of the run lies in the pages of this segment.
		low, high := max(r.addr, from), min(r.end, to)
		first, last := max(r.off+(low-r.addr), x.off), min(r.off+(high-r.addr), x.off+x.n)
		if first >= last {
			continue
		}
		if first < p.Off {
			grow := p.Off - first
			p.Off, p.Vaddr, p.Paddr, p.Filesz, p.Memsz = p.Off-grow, p.Vaddr-grow, p.Paddr-grow, p.Filesz+grow, p.Memsz+grow
		}
		if last > p.Off+p.Filesz {
			grow := last - (p.Off + p.Filesz)
			p.Filesz, p.Memsz = p.Filesz+grow, p.Memsz+grow
		}
	}
}
