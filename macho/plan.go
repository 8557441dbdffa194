package macho

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/blacktop/go-macho/types"

	"github.com/wheelmend/wheelmend/overlay"
)

// A plan lays the edited slice out: the new load commands in the room behind the
// header, changed bytes in __LINKEDIT, and a signature at the end.
type plan struct {
	s        *Slice
	commands []command
	patches  []patch // of bytes behind the load commands
	shift    *shift  // nil when the commands fit
	end      int64   // of the bytes of the original that stay
	signer   *signer // nil to leave the slice unsigned
}

// A patch replaces bytes of the original, where they lie.
type patch struct {
	off   int64
	size  int64 // bytes of the original that make way
	data  []byte
	table bool // a part of __LINKEDIT, written anew; otherwise one number
}

func newPlan(d *draft, opts Options) (*plan, error) {
	s := d.s
	switch s.Type {
	case Execute, DyLib, Bundle:
	default:
		return nil, fmt.Errorf("the %v slice is a %v, which dyld does not load; programs, libraries and bundles can be edited", s.Arch, s.Type)
	}
	if err := s.checkLayout(); err != nil {
		return nil, err
	}
	p := &plan{s: s, commands: slices.Clone(d.commands), end: s.Size}
	var err error
	if p.patches, err = s.renumber(d.ordinals); err != nil {
		return nil, err
	}
	if p.patches, err = sortPatches(p.patches); err != nil {
		return nil, err
	}
	if d.sign || s.signed != nil || s.Arch.IsARM64() {
		if err := p.planSignature(d, opts); err != nil {
			return nil, err
		}
	}
	return p, p.makeRoom()
}

// planSignature readies the end of the slice for a new signature.
func (p *plan) planSignature(d *draft, opts Options) error {
	s := p.s
	link := s.linkedit()
	if link == nil {
		return fmt.Errorf("the %v slice has no __LINKEDIT segment, which a signature has to lie in", s.Arch)
	}
	if end := link.Off + link.FileSize; end != s.Size {
		return formatErr(end, "__LINKEDIT ends here, the image has %#x bytes more; what is appended behind it cannot be signed", s.Size-end)
	}
	old, err := s.Signature()
	if err != nil && !(d.sign && errors.As(err, new(*FormatError))) { // who asks for a new one does not need the old one
		return err
	}
	if s.signed != nil {
		off, size := int64(s.u32(s.signed, 8)), int64(s.u32(s.signed, 12))
		if off+size != s.Size {
			return formatErr(s.signed.off+8, "the signature is %#x bytes at %#x and does not end the image (%#x bytes); it cannot be replaced safely", size, off, s.Size)
		}
		p.end = s.contentEnd(off)
	} else {
		p.commands = append(p.commands, s.textless(types.LC_CODE_SIGNATURE, 0, 0))
	}
	p.signer = newSigner(s, old, d.ident, opts.FileName)
	p.signer.jobs, p.signer.late = opts.Jobs, opts.LateSignature
	return p.checkEnd()
}

// contentEnd returns where what comes before the signature ends, without the
// padding that aligned it.
func (s *Slice) contentEnd(signature int64) int64 {
	end := int64(0)
	for _, x := range s.extents() {
		end = max(end, x.off+x.size)
	}
	if end > signature || signature-end >= signatureAlign {
		return signature
	}
	padding, err := readExact(s.r, end, signature-end, s.Size)
	if err != nil || len(bytes.Trim(padding, "\x00")) > 0 {
		return signature
	}
	return end
}

// checkEnd makes sure that nothing lies where the new signature goes.
func (p *plan) checkEnd() error {
	for _, x := range p.s.extents() {
		if x.off+x.size > p.end {
			return formatErr(x.at, "%s (%#x bytes at %#x) reaches into the signature at %#x", x.what, x.size, x.off, p.end)
		}
	}
	return nil
}

// textless returns a new command of plain fields.
func (s *Slice) textless(cmd types.LoadCmd, fields ...uint32) command {
	data := s.appendU32(nil, uint32(cmd))
	data = s.appendU32(data, uint32(8+4*len(fields)))
	for _, v := range fields {
		data = s.appendU32(data, v)
	}
	return command{cmd: cmd, data: data}
}

const linkeditName = "__LINKEDIT" // what load commands refer to lies there

// linkedit returns the segment that ends the image, nil if another one does.
func (s *Slice) linkedit() *Segment {
	var last *Segment
	for i := range s.Segments {
		if seg := &s.Segments[i]; last == nil || seg.Off+seg.FileSize > last.Off+last.FileSize {
			last = seg
		}
	}
	if last == nil || last.Name != linkeditName {
		return nil
	}
	return last
}

// size returns the size of the new load commands in bytes.
func (p *plan) size() int64 {
	n := int64(0)
	for _, c := range p.commands {
		n += int64(len(c.data))
	}
	return n
}

// optional lists the load commands that nobody reads at run time, and that
// refer to nothing in the file. LC_UUID is not among them: recent dyld insists
// on it.
var optional = []types.LoadCmd{types.LC_SOURCE_VERSION, types.LC_TARGET_TRIPLE}

// makeRoom fits the load commands between the header and the first content.
func (p *plan) makeRoom() error {
	for _, cmd := range optional {
		if p.size() <= p.s.room {
			break
		}
		p.commands = slices.DeleteFunc(p.commands, func(c command) bool { return c.cmd == cmd })
	}
	if p.size() <= p.s.room {
		return p.checkPadding()
	}
	return p.moveContent()
}

// moveContent makes room by moving the image away from its header.
func (p *plan) moveContent() error {
	renumbered := *p.s
	renumbered.r = p.s.patched(p.patches)
	var err error
	if p.shift, err = newShift(&renumbered, p.size()); err != nil {
		return err
	}
	for _, x := range p.shift.patches {
		if x.table { // it has been made from the patched bytes
			p.patches = slices.DeleteFunc(p.patches, func(y patch) bool { return y.off >= x.off && y.off < x.off+x.size })
		}
	}
	if p.patches, err = sortPatches(append(p.patches, p.shift.patches...)); err != nil {
		return err
	}
	if err := p.shift.apply(p.commands, p.moved); err != nil {
		return err
	}
	if p.signer != nil {
		base := p.moved(int64(p.signer.execBase))
		end := p.moved(int64(p.signer.execBase + p.signer.execLimit))
		p.signer.execBase, p.signer.execLimit = uint64(base), uint64(end-base)
	}
	return nil
}

// sortPatches puts patches in order. Bytes that are part of two are refused.
func sortPatches(patches []patch) ([]patch, error) {
	slices.SortFunc(patches, func(x, y patch) int { return cmp.Compare(x.off, y.off) })
	for i := 1; i < len(patches); i++ {
		if x, y := patches[i-1], patches[i]; x.off+x.size > y.off {
			return nil, formatErr(y.off, "two structures of the image share these bytes, so that it cannot be edited with certainty")
		}
	}
	return patches, nil
}

// patched reads the slice with patches that keep its size.
func (s *Slice) patched(patches []patch) io.ReaderAt {
	b := overlay.NewBuilder(s.r)
	writePatched(b, 0, s.Size, patches)
	return b.Overlay(true)
}

// writePatched appends the bytes from at to end of the original, with patches.
func writePatched(b *overlay.Builder, at, end int64, patches []patch) {
	for _, x := range patches {
		b.Original(at, x.off-at)
		b.Bytes(x.data)
		at = x.off + x.size
	}
	b.Original(at, end-at)
}

// moved returns where the byte at an offset of the original lies in the result.
func (p *plan) moved(off int64) int64 {
	if p.shift == nil || off < p.shift.from {
		return off
	}
	at := off + p.shift.delta
	for _, x := range p.patches {
		if x.off+x.size > off {
			break
		}
		at += int64(len(x.data)) - x.size
	}
	return at
}

// checkPadding makes sure that what the commands grow into is padding.
func (p *plan) checkPadding() error {
	from := p.s.headerSize() + p.s.commandsSize()
	to := p.s.headerSize() + p.size()
	if to <= from {
		return nil
	}
	b, err := readExact(p.s.r, from, to-from, p.s.Size)
	if err != nil {
		return err
	}
	if i := bytes.IndexFunc(b, func(r rune) bool { return r != 0 }); i >= 0 {
		return formatErr(from+int64(i), "the bytes behind the load commands are not zero, so they may be of use, and %d more are needed", to-from)
	}
	return nil
}

// run puts the edited slice together.
func (p *plan) run(ctx context.Context) (*overlay.Overlay, error) {
	if p.signer == nil {
		b := overlay.NewBuilder(p.s.r)
		p.write(b)
		return b.Overlay(true), nil
	}
	size := p.signer.size(p.signedEnd())
	if p.signedEnd()+size > math.MaxUint32 {
		return nil, fmt.Errorf("the %v slice would have %d bytes; LC_CODE_SIGNATURE reaches 4 GiB", p.s.Arch, p.signedEnd()+size)
	}
	p.placeSignature(size)
	b := overlay.NewBuilder(p.s.r)
	p.write(b)
	b.Zeros(p.signedEnd() - b.Size())
	unsigned := b.Overlay(true)
	sign := func() ([]byte, error) {
		return p.signer.sign(ctx, io.NewSectionReader(unsigned, 0, unsigned.Size()), size)
	}
	if p.signer.late {
		b.Late(size, sign)
		return b.Overlay(true), nil
	}
	text, err := sign()
	if err != nil {
		return nil, err
	}
	b.Bytes(text)
	return b.Overlay(true), nil
}

// signatureAlign is what codesign aligns a signature to, in bytes.
const signatureAlign = 16

// signedEnd returns where the signature begins.
func (p *plan) signedEnd() int64 { return alignUp(p.moved(p.end), signatureAlign) }

func alignUp(n, to int64) int64 { return (n + to - 1) / to * to }

// placeSignature makes LC_CODE_SIGNATURE and __LINKEDIT speak of a signature of
// that size.
func (p *plan) placeSignature(size int64) {
	s := p.s
	link := s.linkedit()
	for i := range p.commands {
		c := &p.commands[i]
		switch c.cmd {
		case types.LC_CODE_SIGNATURE:
			*c = s.textless(types.LC_CODE_SIGNATURE, uint32(p.signedEnd()), uint32(size))
		case types.LC_SEGMENT, types.LC_SEGMENT_64:
			if cString(c.data[8:24]) != link.Name {
				continue
			}
			length := p.signedEnd() + size - p.moved(link.Off)
			c.data = slices.Clone(c.data)
			memory := max(int64(link.MemSize), alignUp(length, s.Arch.Page()))
			if s.Arch.Is64() {
				s.order.PutUint64(c.data[32:], uint64(memory))
				s.order.PutUint64(c.data[48:], uint64(length))
			} else {
				s.order.PutUint32(c.data[28:], uint32(memory))
				s.order.PutUint32(c.data[36:], uint32(length))
			}
		}
	}
}

// write appends header, load commands and the rest of the original up to p.end.
func (p *plan) write(b *overlay.Builder) {
	s := p.s
	head := slices.Clone(s.header)
	s.order.PutUint32(head[16:], uint32(len(p.commands)))
	s.order.PutUint32(head[20:], uint32(p.size()))
	for _, c := range p.commands {
		head = append(head, c.data...)
	}
	at := max(int64(len(head)), s.headerSize()+s.commandsSize())
	if p.shift != nil {
		at = p.shift.from
	}
	b.Bytes(append(head, make([]byte, p.moved(at)-int64(len(head)))...))
	writePatched(b, at, p.end, p.patches)
}

// join lays edited slices out behind a fat header, in the order and with the
// alignment that they had, of a page at least.
func (f *File) join(images []*overlay.Overlay) (*overlay.Overlay, error) {
	order := make([]int, len(images))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(f.Slices[a].Off, f.Slices[b].Off) })
	entries := make([]fatArch, len(images))
	at := fatHeaderSize + int64(len(images))*f.fatArchSize()
	for _, i := range order {
		e := f.Slices[i].fat
		if f.Slices[i].Type.Loadable() {
			e.align = max(e.align, f.Slices[i].Arch.pageAlign())
		}
		e.off, e.size = alignUp(at, 1<<e.align), images[i].Size()
		at = e.off + e.size
		entries[i] = e
	}
	if !f.fat64 && at > math.MaxUint32 {
		return nil, fmt.Errorf("the fat file would have %d bytes; its header reaches 4 GiB", at)
	}
	b := overlay.NewBuilder(f.r)
	b.Bytes(f.appendFatHeader(nil, entries))
	for _, i := range order {
		b.Zeros(entries[i].off - b.Size())
		b.Image(images[i], f.Slices[i].Off)
	}
	return b.Overlay(true), nil
}
