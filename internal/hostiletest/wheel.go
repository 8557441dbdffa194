package hostiletest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"
)

// A Member is one file of a wheel that is made: its data, and zeros behind.
type Member struct {
	Name  string
	Data  []byte
	Zeros int64 // bytes
}

// Wheel returns a sound wheel with the members, for a platform tag. Its name is
// [Filename] of the tag.
func Wheel(tag string, members []Member) ([]byte, error) {
	const info = "hostile-1.0.dist-info/"
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	members = append(members,
		Member{Name: info + "METADATA", Data: []byte("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")},
		Member{Name: info + "WHEEL", Data: fmt.Appendf(nil, "Wheel-Version: 1.0\nGenerator: hostiletest (1)\nRoot-Is-Purelib: false\nTag: cp312-cp312-%s\n", tag)},
	)
	var record strings.Builder
	for _, m := range members {
		sum := sha256.New()
		if err := m.write(z, sum); err != nil {
			return nil, err
		}
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", m.Name, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)), int64(len(m.Data))+m.Zeros)
	}
	record.WriteString(info + "RECORD,,\n")
	last := Member{Name: info + "RECORD", Data: []byte(record.String())}
	if err := last.write(z, sha256.New()); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}

// Filename returns the name of a wheel for a platform tag.
func Filename(tag string) string { return "hostile-1.0-cp312-cp312-" + tag + ".whl" }

// write adds the member with its sizes in the local header, as PyPI wants them.
func (m *Member) write(z *zip.Writer, sum hash.Hash) error {
	var packed bytes.Buffer
	crc := crc32.NewIEEE()
	deflate, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return err
	}
	all := io.MultiWriter(deflate, sum, crc)
	size, err := io.Copy(all, io.MultiReader(bytes.NewReader(m.Data), io.LimitReader(zeros{}, m.Zeros)))
	if err = errors.Join(err, deflate.Close()); err != nil {
		return err
	}
	h := &zip.FileHeader{Name: m.Name, Method: zip.Deflate, CRC32: crc.Sum32(), CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(size)}
	h.SetMode(0o644)
	w, err := z.CreateRaw(h)
	if err == nil {
		_, err = packed.WriteTo(w)
	}
	return err
}

// zeros is /dev/zero.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
