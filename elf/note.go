package elf

import "debug/elf"

// A Note is an entry of a PT_NOTE segment. See gABI chapter 5, Note Section.
type Note struct {
	Name string // the owner, such as "GNU" or "Android"
	Type uint32 // its meaning is the owner's
	Desc []byte
}

const (
	maxNotes       = 1 << 20 // bytes of notes that are looked at, in all segments together
	noteHeaderSize = 12
)

// Notes returns the notes of the file's segments, in their order. Notes that
// break the format end those of their segment: ld.so ignores them too. They are read
// once, and not to be changed.
func (f *File) Notes() ([]Note, error) { return f.notes.get(f.readNotes) }

func (f *File) readNotes() ([]Note, error) {
	var notes []Note
	left := uint64(maxNotes)
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE && p.Type != elf.PT_GNU_PROPERTY {
			continue
		}
		buf, err := f.read("note segment", p.Off, min(p.Filesz, left))
		if err != nil {
			return nil, err
		}
		left -= uint64(len(buf))
		notes = f.appendNotes(notes, buf, p)
	}
	return notes, nil
}

// appendNotes adds the notes of one segment.
func (f *File) appendNotes(notes []Note, buf []byte, p Prog) []Note {
	align := 4
	if p.Align == 8 {
		align = 8
	}
	for len(buf) >= noteHeaderSize {
		c := f.cursor(buf, p.Off)
		namesz, descsz, kind := c.U32(), c.U32(), c.U32()
		name := c.Bytes(int(min(roundUp(uint64(namesz), 4), maxNotes)))
		c.Bytes(pad(len(buf)-c.Len(), align))
		desc := c.Bytes(int(min(uint64(descsz), maxNotes)))
		if c.Err() != nil {
			return notes
		}
		notes = append(notes, Note{Name: cString(name), Type: kind, Desc: desc})
		c.Bytes(min(pad(len(buf)-c.Len(), align), c.Len()))
		buf = buf[len(buf)-c.Len():]
	}
	return notes
}
