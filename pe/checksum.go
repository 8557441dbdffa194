package pe

import (
	"context"
	"encoding/binary"
	"io"
)

// ComputeCheckSum returns the checksum that the image should say: the sum of its 16-bit
// words with carries added at the low end, the field itself counted as zero, plus the
// size of the file, as CheckSumMappedFile of imagehlp makes it. It reads the whole file.
func (f *File) ComputeCheckSum(ctx context.Context) (uint32, error) {
	return checkSum(ctx, f.r, f.size, f.optionalAt+64)
}

func checkSum(ctx context.Context, r io.ReaderAt, size int64, field uint64) (uint32, error) {
	const block = 1 << 16
	var sum uint64
	buf := make([]byte, block)
	for off := int64(0); off < size; off += block {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		part := buf[:min(block, size-off)]
		if n, err := r.ReadAt(part, off); n < len(part) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		clearField(part, off, int64(field))
		if len(part)%2 == 1 {
			part = append(part, 0)
		}
		for ; len(part) >= 2; part = part[2:] {
			sum += uint64(binary.LittleEndian.Uint16(part))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return uint32(sum) + uint32(size), nil
}

// clearField sets the four bytes of the checksum to zero where they lie in a block.
func clearField(part []byte, off, field int64) {
	for i := max(field, off); i < min(field+4, off+int64(len(part))); i++ {
		part[i-off] = 0
	}
}
