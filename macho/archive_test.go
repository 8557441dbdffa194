package macho

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// fatArchives puts contents behind a fat header, for x86_64 and arm64.
func fatArchives(contents ...string) []byte {
	cpus := []uint32{0x01000007, 0x0100000c}
	b := binary.BigEndian.AppendUint32([]byte{0xca, 0xfe, 0xba, 0xbe}, uint32(len(contents)))
	at := uint32(8 + 20*len(contents))
	var body []byte
	for i, c := range contents {
		for _, v := range []uint32{cpus[i], 0, at + uint32(len(body)), uint32(len(c)), 0} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		body = append(body, c...)
	}
	return append(b, body...)
}

func TestFatArchives(t *testing.T) {
	for _, tt := range []struct {
		name     string
		contents []string
		archives bool
	}{
		{"archives", []string{archiveMagic + "x", archiveMagic}, true},
		{"one archive", []string{archiveMagic}, true},
		{"one that is none", []string{archiveMagic, "something else"}, false},
		{"one that is too short", []string{archiveMagic, archiveMagic[:7]}, false},
	} {
		b := fatArchives(tt.contents...)
		_, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if got := errors.Is(err, ErrArchive) && errors.Is(err, ErrNotMachO); got != tt.archives {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if format := new(*FormatError); !tt.archives && !errors.As(err, format) {
			t.Errorf("%s: error %v is no *FormatError", tt.name, err)
		}
	}
}
