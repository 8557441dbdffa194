package wheel

import "strings"

// Extra fields that are understood (APPNOTE.TXT 4.5.3, 4.6.9).
const (
	extraZip64          = 0x0001
	extraStrong         = 0x0017 // keys: 4.5.12
	extraUnicodeComment = 0x6375
	extraUnicodePath    = 0x7075
	extraAES            = 0x9901 // keys of WinZip
)

// maxExtraFields bounds the extra fields of one header. Two or three are usual.
const maxExtraFields = 16

// zip64Values are the fields that the zip64 extra field (APPNOTE.TXT 4.5.3) may
// widen, in its order.
type zip64Values struct {
	size, compressed, header uint64
	widened                  int // how many were
}

// tooLarge reports values that no signed offset can hold.
func (x *zip64Values) tooLarge() bool {
	const limit = 1 << 62
	return x.size > limit || x.compressed > limit || x.header > limit
}

// apply widens the fields that are 0xffffffff. It returns the broken rule.
func (x *zip64Values) apply(extra []byte, name string) string {
	seen := false
	for c := cursor(extra); len(c) > 0; {
		if len(c) < 4 {
			if strings.Trim(string(c), "\x00") == "" {
				break // padding of some aligning tools
			}
			return "extra field is cut short (APPNOTE.TXT 4.5)"
		}
		id, length := c.u16(), int(c.u16())
		body, ok := c.take(length)
		switch {
		case !ok:
			return "extra field is longer than its header says (APPNOTE.TXT 4.5)"
		case id == extraUnicodePath && len(body) >= 5 && string(body[5:]) != name:
			return "extra field 0x7075 gives another name; readers differ in which they believe"
		case id == extraZip64 && seen:
			return "two zip64 extra fields"
		case id == extraZip64:
			seen = true
			if !x.widen(body) {
				return "zip64 extra field is too short (APPNOTE.TXT 4.5.3)"
			}
		}
	}
	return ""
}

func (x *zip64Values) widen(body []byte) bool {
	c := cursor(body)
	for _, v := range []*uint64{&x.size, &x.compressed, &x.header} {
		if *v != 0xffffffff {
			continue
		}
		if len(c) < 8 {
			return false
		}
		*v = c.u64()
		x.widened++
	}
	return true
}
