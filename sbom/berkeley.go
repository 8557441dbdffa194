package sbom

import (
	"encoding/binary"
	"io"
	"iter"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// Berkeley DB's hash format, as far as rpm uses it (db_page.h): a metadata page,
// pages of entries in pairs of key and value, and chains of overflow pages, on
// which all values of rpm lie.
const (
	bdbHashMagic   = 0x061561
	bdbPageHeader  = 26 // bytes before the first entry
	bdbHashOld     = 2  // page types
	bdbOverflow    = 7
	bdbHash        = 13
	bdbOffPageItem = 3 // type of an entry that lies on overflow pages
)

// berkeleyBlobs yields the package headers of a Berkeley DB.
func berkeleyBlobs(r io.ReaderAt, size int64, h *health) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		order, pageSize := berkeleyMeta(r, size, h)
		if order == nil {
			return
		}
		f := newPagedFile(r, size, pageSize, h)
		if f == nil {
			return
		}
		buf, chain := f.buffer(), f.buffer()
		for n := uint32(1); n < f.count(); n++ {
			page := f.read(n, buf)
			if page == nil {
				return
			}
			for _, item := range berkeleyItems(page, order) {
				blob := f.berkeleyChain(item, order, chain)
				if blob == nil {
					h.broken("a value of page %d is not whole", n)
				} else if !yield(blob) {
					return
				}
			}
		}
	}
}

// berkeleyMeta returns the byte order, which is that of the machine that made the
// file, and the page size; the order is nil when the file is something else.
func berkeleyMeta(r io.ReaderAt, size int64, h *health) (binary.ByteOrder, uint32) {
	meta, err := binread.ReadAt(r, 0, 36, size)
	if err != nil {
		h.failed(err)
		return nil, 0
	}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if order.Uint32(meta[12:]) == bdbHashMagic {
			if last := int64(order.Uint32(meta[32:])); (last+1)*int64(order.Uint32(meta[20:])) > size {
				h.broken("it ends too early")
			}
			return order, order.Uint32(meta[20:])
		}
	}
	h.broken("it is no Berkeley DB of the hash kind")
	return nil, 0
}

// A berkeleyItem is a value that lies on overflow pages.
type berkeleyItem struct{ page, length uint32 }

// berkeleyItems returns the values of a page of entries, and nothing for a page
// of another type. Entries alternate between key and value.
func berkeleyItems(page []byte, order binary.ByteOrder) []berkeleyItem {
	if kind := page[25]; kind != bdbHash && kind != bdbHashOld {
		return nil
	}
	var items []berkeleyItem
	entries := int(order.Uint16(page[20:]))
	for i := 1; i < entries && bdbPageHeader+2*i+2 <= len(page); i += 2 {
		at := int(order.Uint16(page[bdbPageHeader+2*i:]))
		if at+12 > len(page) || page[at] != bdbOffPageItem {
			continue
		}
		items = append(items, berkeleyItem{order.Uint32(page[at+4:]), order.Uint32(page[at+8:])})
	}
	return items
}

// berkeleyChain joins the overflow pages of a value, or returns nil if they do not
// add up to its length.
func (f *pagedFile) berkeleyChain(item berkeleyItem, order binary.ByteOrder, buf []byte) []byte {
	if item.length > maxRPMHeader || int64(item.length) > f.size {
		return nil
	}
	var blob []byte
	for n := item.page; n != 0; {
		page := f.read(n, buf)
		if page == nil || page[25] != bdbOverflow {
			return nil
		}
		used := int(order.Uint16(page[22:]))
		if bdbPageHeader+used > len(page) || len(blob)+used > int(item.length) {
			return nil
		}
		blob = append(blob, page[bdbPageHeader:bdbPageHeader+used]...)
		n = order.Uint32(page[16:])
	}
	if len(blob) != int(item.length) {
		return nil
	}
	return blob
}
