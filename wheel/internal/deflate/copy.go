package deflate

// AppendSync ends a run of blocks, whose last byte has used bits in use (0
// means all), with an empty stored block, so that the next block begins on a
// byte boundary (RFC 1951, 3.2.4). Its header is three zero bits; the bits that
// are not in use are cleared.
func AppendSync(dst []byte, used int) []byte {
	if used > 0 {
		dst[len(dst)-1] &= 1<<used - 1
	}
	if used == 0 || used > 5 {
		dst = append(dst, 0)
	}
	return append(dst, 0, 0, 0xff, 0xff)
}
