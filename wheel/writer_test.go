package wheel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// rewrite copies every member of r, in the given order, into a new archive.
func rewrite(t testing.TB, r *Reader, order []*Member, opts WriterOptions) []byte {
	t.Helper()
	record, err := r.Record()
	if err != nil {
		t.Fatalf("Record: %v", err)
	}
	w := NewWriter(r.DistInfo(), opts)
	for _, m := range order {
		if m.Name == r.DistInfo()+"/RECORD" {
			continue
		}
		row, _ := record.Row(m.Name)
		w.Copy(m, row)
	}
	return mustWrite(t, w)
}

func mustWrite(t testing.TB, w *Writer) []byte {
	t.Helper()
	var out memory
	n, err := w.Write(context.Background(), &out)
	if err != nil {
		t.Fatalf("Write: %v", err)
	}
	if int(n) != len(out.b) {
		t.Fatalf("Write returned a size of %d, it wrote %d bytes", n, len(out.b))
	}
	return out.b
}

// contents maps member names to what they hold.
func contents(t testing.TB, r *Reader) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, m := range r.Members() {
		f, err := m.Open()
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		all[m.Name] = string(b)
	}
	return all
}

func names(r *Reader) []string {
	var ns []string
	for _, m := range r.Members() {
		ns = append(ns, m.Name)
	}
	return ns
}

func TestCopyKeepsMembersAndSortsThem(t *testing.T) {
	in := mustRead(t, zipBytes(demoParts()...))
	out := rewrite(t, in, in.Members(), WriterOptions{})
	got := mustRead(t, out)
	if err := got.Scan(context.Background(), 2, nil); err != nil {
		t.Fatalf("Scan of the copy: %v", err)
	}
	wantNames := []string{"demo/", "demo/__init__.py", "demo/_core.so", "demo/a, \"b\".txt", "demo/größe.txt",
		demoInfo + "/METADATA", demoInfo + "/WHEEL", demoInfo + "/RECORD"}
	if diff := cmp.Diff(wantNames, names(got)); diff != "" {
		t.Errorf("member order (-want +got):\n%s", diff)
	}
	for _, m := range in.Members() {
		if m.Name == demoInfo+"/RECORD" {
			continue
		}
		c, ok := got.Lookup(m.Name)
		if !ok {
			t.Errorf("%q is missing", m.Name)
			continue
		}
		if same, err := SameMember(m, c); err != nil || !same {
			t.Errorf("SameMember(%q) = %v, %v, want true", m.Name, same, err)
		}
		if c.Mode != m.Mode || !c.Modified.Equal(m.Modified) {
			t.Errorf("%q: mode %v time %v, want %v %v", m.Name, c.Mode, c.Modified, m.Mode, m.Modified)
		}
	}
	reversed := in.Members()
	slices.Reverse(reversed)
	if again := rewrite(t, in, reversed, WriterOptions{Level: 3, Jobs: 1}); !bytes.Equal(dropRecord(t, again), dropRecord(t, out)) {
		t.Error("the order of Copy calls changes the output")
	}
	if again := rewrite(t, got, got.Members(), WriterOptions{}); !bytes.Equal(again, out) {
		t.Error("copying the output again changes it")
	}
}

// dropRecord cuts the archive before RECORD, which a level changes.
func dropRecord(t testing.TB, b []byte) []byte {
	t.Helper()
	m, ok := mustRead(t, b).Lookup(demoInfo + "/RECORD")
	if !ok {
		t.Fatal("no RECORD")
	}
	return b[:m.headerOff]
}

// mixed is content that deflates somewhat, of n bytes.
func mixed(n int) []byte {
	rng := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, 300)
	for i := range words {
		words[i] = make([]byte, 3+rng.IntN(30))
		for j := range words[i] {
			words[i][j] = byte(rng.Uint32())
		}
	}
	var b []byte
	for len(b) < n {
		b = append(b, words[rng.IntN(len(words))]...)
	}
	return b[:n]
}

func TestBytesDoNotDependOnJobs(t *testing.T) {
	sizes := []int{0, 1, dictSize, chunkSize - 1, chunkSize, chunkSize + 1, 3*chunkSize + 12345}
	for _, level := range []int{-1, 0, 9} {
		var want []byte
		for _, jobs := range []int{1, 8} {
			w := NewWriter(demoInfo, WriterOptions{Level: level, Jobs: jobs})
			var all [][]byte
			for i, size := range sizes {
				all = append(all, mixed(size))
				w.Add(Header{Name: "demo/" + strings.Repeat("x", i+1), Mode: 0o644}, bytes.NewReader(all[i]))
			}
			w.Add(Header{Name: demoInfo + "/WHEEL", Mode: 0o664, Modified: time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC)}, strings.NewReader(demoWheel))
			w.Add(Header{Name: demoInfo + "/METADATA"}, strings.NewReader(demoMetadata))
			got := mustWrite(t, w)
			if want == nil {
				want = got
				r := mustRead(t, got)
				if err := r.Scan(context.Background(), 2, nil); err != nil {
					t.Fatalf("level %d: Scan: %v", level, err)
				}
				read := contents(t, r)
				for i := range sizes {
					if read["demo/"+strings.Repeat("x", i+1)] != string(all[i]) {
						t.Errorf("level %d: content of %d bytes comes back changed", level, sizes[i])
					}
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("level %d: %d jobs give other bytes than 1", level, jobs)
			}
		}
	}
}

func TestRecordTakesModeAndTimeOfWheel(t *testing.T) {
	w := NewWriter(demoInfo, WriterOptions{})
	w.Add(Header{Name: demoInfo + "/WHEEL", Mode: 0o664, Modified: time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC)}, strings.NewReader(demoWheel))
	w.Add(Header{Name: demoInfo + "/METADATA"}, strings.NewReader(demoMetadata))
	r := mustRead(t, mustWrite(t, w))
	m, _ := r.Lookup(demoInfo + "/RECORD")
	if want := time.Date(2024, 2, 29, 1, 2, 2, 0, time.UTC); m.Mode != 0o664 || !m.Modified.Equal(want) {
		t.Errorf("RECORD has mode %v and time %v, want -rw-rw-r-- and %v", m.Mode, m.Modified, want)
	}
	if m, _ := r.Lookup(demoInfo + "/METADATA"); m.Mode != 0 || m.unix != 0 {
		t.Errorf("METADATA has mode %v (%#o), want none", m.Mode, m.unix)
	}
}

// failing is content whose reads fail from an offset on.
type failing struct{ size, from int64 }

var errDisk = errors.New("disk on fire")

func (f failing) Size() int64 { return f.size }
func (f failing) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.from {
		return 0, errDisk
	}
	return len(p), nil
}

// fullDisk takes so many bytes.
type fullDisk struct{ room int64 }

func (d fullDisk) WriteAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > d.room {
		return 0, errDisk
	}
	return len(p), nil
}

func TestWriteErrors(t *testing.T) {
	big := failing{size: 20 << 20, from: 1 << 40}
	cases := []struct {
		name string
		fill func(*Writer)
		out  io.WriterAt
		want string
	}{
		{"content fails late", func(w *Writer) { w.Add(Header{Name: "demo/x"}, failing{20 << 20, 15 << 20}) }, &memory{}, "demo/x: offset 0xf00000: disk on fire"},
		{"content is shorter than its size", func(w *Writer) { w.Add(Header{Name: "demo/x"}, short{}) }, &memory{}, "demo/x: offset 0x0: unexpected EOF"},
		{"disk is full at once", func(w *Writer) { w.Add(Header{Name: "demo/x"}, big) }, fullDisk{0}, "demo/x: disk on fire"},
		{"disk is full before the local header", func(w *Writer) { w.Add(Header{Name: "demo/x"}, strings.NewReader("")) }, fullDisk{8}, "demo/x: disk on fire"},
		{"name leads out", func(w *Writer) { w.Add(Header{Name: "demo/../../x"}, big) }, &memory{}, `demo/../../x: name has the part "..", which could lead out of the archive`},
		{"added twice", func(w *Writer) { w.Add(Header{Name: "demo/x"}, big); w.Add(Header{Name: "demo/x"}, big) }, &memory{}, "demo/x: two members have this name"},
		{"file is also a directory", func(w *Writer) { w.Add(Header{Name: "demo"}, big); w.Add(Header{Name: "demo/x"}, big) }, &memory{}, `demo/x: "demo" is both a file and a directory`},
		{"copy without a hash", func(w *Writer) { w.Copy(&Member{Name: "demo/x"}, RecordRow{Size: -1}) }, &memory{}, "demo/x: RECORD row of the member to copy has no hash (PEP 427)"},
		{"copy with another size", func(w *Writer) { w.Copy(&Member{Name: "demo/x"}, RecordRow{Hash: "sha256=x", Size: 7}) }, &memory{}, "demo/x: RECORD gives 7 bytes, the member has 0"},
		{"directory becomes a file", func(w *Writer) { w.CopyAs("demo/x", &Member{Name: "demo/x/"}, RecordRow{}) }, &memory{}, "demo/x: a directory cannot become a file, or a file a directory"},
		{"RECORD is the writer's", func(w *Writer) { w.Add(Header{Name: demoInfo + "/RECORD"}, big) }, &memory{}, demoInfo + "/RECORD: two members have this name"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := NewWriter(demoInfo, WriterOptions{Level: 1, Jobs: 3})
			c.fill(w)
			_, err := w.Write(context.Background(), c.out)
			if err == nil || err.Error() != c.want {
				t.Errorf("Write error:\n got %v\nwant %s", err, c.want)
			}
		})
	}
}

// short has fewer bytes than it says.
type short struct{}

func (short) Size() int64                       { return 9 }
func (short) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

func TestWriteStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	w := NewWriter(demoInfo, WriterOptions{Level: 1, Jobs: 2, Progress: func(done, total int64) {
		if done > 2<<20 {
			cancel(errDisk)
		}
	}})
	w.Add(Header{Name: "demo/x"}, failing{size: 1 << 40, from: 1 << 50})
	if _, err := w.Write(ctx, fullDisk{1 << 50}); !errors.Is(err, errDisk) {
		t.Errorf("Write = %v, want the cause %v", err, errDisk)
	}
}
