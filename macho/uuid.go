package macho

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/blacktop/go-macho/types"
)

// AddUUID gives the slice an LC_UUID if it has none: dyld refuses images built with
// the SDK of macOS 12 or later that lack it. It is made from the bytes of the slice,
// without its signature, so that the same file gets the same one on every host.
func AddUUID() Edit {
	return func(d *draft) error {
		for _, c := range d.commands {
			if c.cmd == types.LC_UUID {
				return nil
			}
		}
		id, err := d.s.contentUUID()
		if err != nil {
			return err
		}
		data := d.s.appendU32(nil, uint32(types.LC_UUID))
		data = append(d.s.appendU32(data, 24), id[:]...)
		d.insert(func(cmd types.LoadCmd) bool { return cmd == types.LC_UUID }, command{cmd: types.LC_UUID, data: data})
		return nil
	}
}

// contentUUID returns a UUID made from the bytes in front of the signature, of
// version 8 (RFC 9562): what comes from where is up to its maker.
func (s *Slice) contentUUID() (id [16]byte, err error) {
	end := s.Size
	if s.signed != nil {
		end = int64(s.u32(s.signed, 8))
	}
	sum := sha256.New()
	if n, err := io.Copy(sum, io.NewSectionReader(s.r, 0, end)); err != nil {
		return id, fmt.Errorf("offset %#x: %w", n, err)
	}
	copy(id[:], sum.Sum(nil))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80
	return id, nil
}
