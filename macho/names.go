package macho

// maxSharing bounds how often the bytes of a string table are handed out in one pass,
// and sharedSlack serves tables that are tiny: many symbols may have one name of a
// megabyte, or its tails.
const (
	maxSharing  = 64
	sharedSlack = 16 << 20
)

// A nameTable hands out the strings of a table in one pass, each once.
type nameTable struct {
	data []byte
	seen map[int64]string
	left int64 // bytes that may still be handed out
}

func newNameTable(data []byte) *nameTable {
	return &nameTable{data, map[int64]string{}, maxSharing*int64(len(data)) + sharedSlack}
}

// get returns the string at an index, "" outside the table. The caller gives its own
// place for the error.
func (n *nameTable) get(i, at int64) (string, error) {
	if i < 0 || i >= int64(len(n.data)) {
		return "", nil
	}
	if s, ok := n.seen[i]; ok {
		return s, nil
	}
	s := cString(n.data[i:])
	if n.left -= int64(len(s)); n.left < 0 {
		return "", formatErr(at, "names up to here add up to more than %d times their table (%#x bytes)", maxSharing, len(n.data))
	}
	n.seen[i] = s
	return s, nil
}
