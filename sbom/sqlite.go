package sbom

import (
	"encoding/binary"
	"io"
	"iter"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// SQLite's file format, as far as reading one table needs it
// (sqlite.org/fileformat2.html; section numbers below are its own). Changes that
// still wait in a -wal file are not seen: rpm writes them back when it closes.
const (
	sqliteMagic    = "SQLite format 3\x00"
	sqliteHeader   = 100 // bytes before the tree on the first page (1.3)
	sqliteInterior = 0x05
	sqliteLeaf     = 0x0d
	sqliteMaxDepth = 20
)

// An sqliteFile is a database that is read page by page.
type sqliteFile struct {
	*pagedFile
	usable int   // bytes of a page that are not reserved (1.3.4)
	left   int64 // bytes of records still to come in a file where no two share any
}

// sqliteBlobs yields the package headers of rpm's SQLite database: the column
// blob of the table Packages.
func sqliteBlobs(r io.ReaderAt, size int64, h *health) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		f := newSQLiteFile(r, size, h)
		if f == nil {
			return
		}
		root := uint32(0)
		f.rows(1, 0, func(record []byte) bool {
			// type, name, tbl_name, rootpage, sql (2.6)
			if c := sqliteColumns(record); len(c) == 5 && string(c[0]) == "table" && string(c[1]) == "Packages" {
				root = bigEndian(c[3])
			}
			return root == 0
		})
		if root == 0 {
			h.broken("it has no table of packages")
			return
		}
		f.rows(root, 0, func(record []byte) bool {
			c := sqliteColumns(record) // hnum, blob
			if len(c) != 2 {
				h.broken("a row of the packages is not one")
				return true
			}
			return yield(c[1])
		})
	}
}

// newSQLiteFile reads the header (1.3), or returns nil for another file.
func newSQLiteFile(r io.ReaderAt, size int64, h *health) *sqliteFile {
	head, err := binread.ReadAt(r, 0, sqliteHeader, size)
	if err != nil {
		h.failed(err)
		return nil
	}
	if string(head[:16]) != sqliteMagic {
		h.broken("it is no SQLite database")
		return nil
	}
	length := uint32(binary.BigEndian.Uint16(head[16:]))
	if length == 1 {
		length = 65536
	}
	f := newPagedFile(r, size, length, h)
	if f == nil {
		return nil
	}
	if int(length)-int(head[20]) < 480 { // the least the format allows
		h.broken("%d bytes of each page are reserved", head[20])
		return nil
	}
	// The number of pages counts while the two change counters agree (1.3.7).
	pages := binary.BigEndian.Uint32(head[28:])
	if string(head[24:28]) == string(head[92:96]) && int64(pages)*int64(length) > size {
		h.broken("it ends too early")
	}
	return &sqliteFile{f, int(length) - int(head[20]), size}
}

// rows calls visit with each record of the table below a page, until it returns
// false, and reports whether it may go on.
func (f *sqliteFile) rows(number uint32, depth int, visit func([]byte) bool) bool {
	if f.budget <= 0 {
		return false
	}
	page := f.page(number, f.buffer())
	if page == nil || depth > sqliteMaxDepth {
		f.health.broken("the tree of its pages is too deep")
		return true
	}
	at := 0
	if number == 1 {
		at = sqliteHeader
	}
	kind, cells := page[at], int(binary.BigEndian.Uint16(page[at+3:]))
	if kind != sqliteInterior && kind != sqliteLeaf || at+8+2*cells > len(page) {
		f.health.broken("page %d is no page of a table", number)
	}
	pointers := at + 8
	if kind == sqliteInterior {
		pointers += 4
	}
	for i := 0; i < cells && pointers+2*i+2 <= len(page); i++ {
		cell := int(binary.BigEndian.Uint16(page[pointers+2*i:]))
		if cell >= len(page) {
			f.health.broken("page %d has a row outside of it", number)
			continue
		}
		if !f.cell(kind, page[cell:], depth, visit) {
			return false
		}
	}
	if kind == sqliteInterior {
		return f.rows(binary.BigEndian.Uint32(page[at+8:]), depth+1, visit)
	}
	return true
}

// page reads a page by its number, which SQLite counts from 1.
func (f *sqliteFile) page(number uint32, buf []byte) []byte {
	if number == 0 {
		f.health.broken("page 0 is not there")
		return nil
	}
	return f.read(number-1, buf)
}

// cell visits the record of a leaf, or the rows below an interior cell (1.6).
func (f *sqliteFile) cell(kind byte, cell []byte, depth int, visit func([]byte) bool) bool {
	switch kind {
	case sqliteInterior:
		if len(cell) < 4 {
			return true
		}
		return f.rows(binary.BigEndian.Uint32(cell), depth+1, visit)
	case sqliteLeaf:
		length, rest := varint(cell)
		_, rest = varint(rest) // row number
		record := f.payload(length, rest)
		if f.left -= int64(len(record)); f.left < 0 {
			f.health.broken("its rows share pages")
			return false
		}
		if record == nil {
			f.health.broken("a row is not whole")
			return true
		}
		return visit(record)
	}
	return true
}

// payload joins the part of a record on its page with those on overflow pages
// (1.5, 1.7), or returns nil if they do not add up.
func (f *sqliteFile) payload(length uint64, cell []byte) []byte {
	if length > maxRPMHeader || int64(length) > f.size {
		return nil
	}
	local := f.local(int(length))
	if local > len(cell) {
		return nil
	}
	if local == int(length) {
		return cell[:local]
	}
	if local+4 > len(cell) {
		return nil
	}
	record := append([]byte(nil), cell[:local]...) // grows with what is there, not with what is claimed
	buf := f.buffer()
	for next := binary.BigEndian.Uint32(cell[local:]); len(record) < int(length); {
		page := f.page(next, buf)
		if page == nil {
			return nil
		}
		next = binary.BigEndian.Uint32(page)
		part := page[4:f.usable]
		record = append(record, part[:min(len(part), int(length)-len(record))]...)
	}
	return record
}

// local returns how many bytes of a record lie on the page of a leaf (1.6).
func (f *sqliteFile) local(length int) int {
	if length <= f.usable-35 {
		return length
	}
	least := (f.usable-12)*32/255 - 23
	if k := least + (length-least)%(f.usable-4); k <= f.usable-35 {
		return k
	}
	return least
}

// sqliteColumns splits a record into the bytes of its columns (2.1), or returns nil
// if it is damaged. Columns without bytes are empty.
func sqliteColumns(record []byte) [][]byte {
	length, types := varint(record)
	if length > uint64(len(record)) || len(record)-len(types) > int(length) {
		return nil
	}
	types = types[:int(length)-(len(record)-len(types))]
	body := record[length:]
	var columns [][]byte
	for len(types) > 0 {
		var serial uint64
		serial, types = varint(types)
		size := serialSize(serial)
		if size > uint64(len(body)) || len(columns) == 16 { // no table of rpm has as many
			return nil
		}
		columns, body = append(columns, body[:size]), body[size:]
	}
	return columns
}

// serialSize returns the size of a column by its serial type (2.1), in bytes.
func serialSize(serial uint64) uint64 {
	switch {
	case serial >= 12:
		return (serial - 12) / 2
	case serial <= 4:
		return serial
	case serial == 5:
		return 6
	case serial <= 7:
		return 8
	}
	return 0
}

// varint reads a number of one to nine bytes (1.6) and returns it with what
// follows. A number that is cut off is 0, with nothing after it.
func varint(b []byte) (uint64, []byte) {
	var n uint64
	for i := range min(len(b), 9) {
		if i == 8 {
			return n<<8 | uint64(b[i]), b[9:]
		}
		n = n<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return n, b[i+1:]
		}
	}
	return 0, nil
}

// bigEndian returns the number in at most four bytes, and 0 for longer ones.
func bigEndian(b []byte) uint32 {
	if len(b) > 4 {
		return 0
	}
	var n uint32
	for _, c := range b {
		n = n<<8 | uint32(c)
	}
	return n
}
