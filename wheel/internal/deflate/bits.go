package deflate

import "encoding/binary"

// A bitWriter packs bits, the first into the lowest (RFC 1951, 3.1.1).
type bitWriter struct {
	out   []byte
	acc   uint64 // bits that are not in out yet, less than 8 between calls
	count uint   // how many
}

// reserve makes sure that n bytes and a word can be written without growing.
func (w *bitWriter) reserve(n int) {
	if cap(w.out)-len(w.out) < n+8 {
		grown := make([]byte, len(w.out), 2*cap(w.out)+n+8)
		copy(grown, w.out)
		w.out = grown
	}
}

// put appends n bits, at most 48. The room has to be reserved.
func (w *bitWriter) put(bits uint64, n uint) {
	w.acc |= bits << w.count
	w.count += n
	end := len(w.out)
	binary.LittleEndian.PutUint64(w.out[end:end+8], w.acc)
	w.out = w.out[:end+int(w.count>>3)]
	w.acc >>= w.count &^ 7
	w.count &= 7
}

// align fills up the last byte with zero bits.
func (w *bitWriter) align() {
	if w.count > 0 {
		w.put(0, 8-w.count)
	}
}
