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
	"slices"
	"strings"
)

// A Member is one file of a wheel that is made: its data, and zeros behind.
type Member struct {
	Name  string
	Data  []byte
	Zeros int64 // bytes
}

// The texts of every wheel, which members of a shape go behind.
const (
	info     = "hostile-1.0.dist-info/"
	metadata = info + "METADATA"
	wheelTxt = info + "WHEEL"
	record   = info + "RECORD"
)

// texts returns what every wheel has, with what a shape puts behind each.
func texts(tag string, members []Member) (all []Member, rows Member) {
	own := []Member{
		{Name: metadata, Data: []byte("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")},
		{Name: wheelTxt, Data: fmt.Appendf(nil, "Wheel-Version: 1.0\nGenerator: hostiletest (1)\nRoot-Is-Purelib: false\nTag: cp312-cp312-%s\n", tag)},
		{Name: record},
	}
	for _, m := range members {
		if i := slices.IndexFunc(own, func(o Member) bool { return o.Name == m.Name }); i >= 0 {
			own[i].Data, own[i].Zeros = append(own[i].Data, m.Data...), m.Zeros
		} else {
			all = append(all, m)
		}
	}
	return append(all, own[:2]...), own[2]
}

// Wheel returns a sound wheel with the members, for a platform tag. Its name is
// [Filename] of the tag. Members that every wheel has are put behind their texts.
func Wheel(tag string, members []Member) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	members, last := texts(tag, members)
	var rows strings.Builder
	for _, m := range members {
		sum := sha256.New()
		if err := m.write(z, sum); err != nil {
			return nil, err
		}
		fmt.Fprintf(&rows, "%s,sha256=%s,%d\n", m.Name, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)), int64(len(m.Data))+m.Zeros)
	}
	last.Data = append([]byte(rows.String()+record+",,\n"), last.Data...)
	if err := last.write(z, sha256.New()); err != nil {
		return nil, err
	}
	err := z.Close()
	return out.Bytes(), err
}

// Filename returns the name of a wheel for a platform tag.
func Filename(tag string) string { return "hostile-1.0-cp312-cp312-" + tag + ".whl" }

// write adds the member with its sizes in the local header, as PyPI wants them. A
// small one is stored, as an encoder costs more than it.
func (m *Member) write(z *zip.Writer, sum hash.Hash) error {
	const small = 256 // bytes
	var packed bytes.Buffer
	crc := crc32.NewIEEE()
	h := &zip.FileHeader{Name: m.Name, Method: zip.Deflate}
	var content io.WriteCloser = unpacked{&packed}
	if m.Zeros == 0 && len(m.Data) < small {
		h.Method = zip.Store
	} else if deflate, err := flate.NewWriter(&packed, flate.BestSpeed); err != nil {
		return err
	} else {
		content = deflate
	}
	all := io.MultiWriter(content, sum, crc)
	size, err := io.Copy(all, io.MultiReader(bytes.NewReader(m.Data), io.LimitReader(zeros{}, m.Zeros)))
	if err = errors.Join(err, content.Close()); err != nil {
		return err
	}
	h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc.Sum32(), uint64(packed.Len()), uint64(size)
	h.SetMode(0o644)
	w, err := z.CreateRaw(h)
	if err == nil {
		_, err = packed.WriteTo(w)
	}
	return err
}

// unpacked is the encoder of what is stored.
type unpacked struct{ io.Writer }

func (unpacked) Close() error { return nil }

// zeros is /dev/zero.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
