package wheel

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// smallLimit returns a wheel in which all that is larger than some hundred
// bytes, or lies behind them, is written as if it were larger than 4 GiB.
func smallLimit(t *testing.T) []byte {
	t.Helper()
	w := NewWriter(demoInfo, WriterOptions{Jobs: 2})
	w.limit = 700
	w.Add(Header{Name: "demo/a.so", Mode: 0o755}, bytes.NewReader(mixed(2*chunkSize+77)))
	w.Add(Header{Name: "demo/b.py", Mode: 0o644}, strings.NewReader("small, but far behind"))
	w.Add(Header{Name: demoInfo + "/WHEEL", Mode: 0o644}, strings.NewReader(demoWheel))
	w.Add(Header{Name: demoInfo + "/METADATA", Mode: 0o644}, strings.NewReader(demoMetadata))
	return mustWrite(t, w)
}

func TestZip64ReadsBack(t *testing.T) {
	r := mustRead(t, smallLimit(t))
	if err := r.Scan(context.Background(), 2, nil); err != nil {
		t.Fatalf("Scan: %v", err)
	}
	got := contents(t, r)
	if got["demo/a.so"] != string(mixed(2*chunkSize+77)) || got["demo/b.py"] != "small, but far behind" {
		t.Error("contents come back changed")
	}
	m, _ := r.Lookup("demo/a.so")
	if extra := m.dataOff - m.headerOff - localSize - int64(len(m.Name)); extra != zip64LocalLen {
		t.Errorf("local header of a large member has %d bytes of extra field, want %d", extra, zip64LocalLen)
	}
}

func TestZip64CopyOfLargeMember(t *testing.T) {
	in := mustRead(t, smallLimit(t))
	record, err := in.Record()
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(demoInfo, WriterOptions{})
	w.limit = 700
	for _, m := range in.Members() {
		if row, _ := record.Row(m.Name); m.Name != demoInfo+"/RECORD" {
			w.Copy(m, row)
		}
	}
	if got := mustWrite(t, w); !bytes.Equal(got, smallLimit(t)) {
		t.Error("a copy of every member is not the archive it came from")
	}
}

func TestMoreThan65535Members(t *testing.T) {
	const n = 66_000
	w := NewWriter(demoInfo, WriterOptions{})
	for i := range n {
		w.Add(Header{Name: fmt.Sprintf("demo/%05d", i)}, nil)
	}
	w.Add(Header{Name: demoInfo + "/WHEEL"}, strings.NewReader(demoWheel))
	w.Add(Header{Name: demoInfo + "/METADATA"}, strings.NewReader(demoMetadata))
	r := mustRead(t, mustWrite(t, w))
	if got := len(r.Members()); got != n+3 {
		t.Errorf("%d members come back, want %d", got, n+3)
	}
}

func TestZip64EndRecordLies(t *testing.T) {
	good := smallLimit(t)
	end := len(good) - endSize - locator64Size - end64Size
	for _, c := range []struct {
		name string
		at   int
		to   byte
		want string
	}{
		{"number of members", end + 32, 99, "disagree"},
		{"number of members on this disk too", end + 24, 99, "disagree"},
		{"directory offset", end + 48, 1, "does not end at"},
		{"directory size", end + 40, 1, "does not end at"},
		{"record size", end + 4, 1, "is malformed"},
		{"signature", end, 1, "is malformed"},
		{"locator", end + end64Size + 8, 1, "it belongs directly before its locator"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := bytes.Clone(good)
			b[c.at] ^= c.to
			_, err := NewReader(bytes.NewReader(b), int64(len(b)))
			checkRefusal(t, err, c.want)
		})
	}
}
