package wheel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
)

// manyParts has n files; those listed have a wrong CRC.
func manyParts(n int, damaged ...int) []part {
	var parts []part
	for i := range n {
		parts = append(parts, part{name: fmt.Sprintf("demo/%03d", i), content: strings.Repeat("x", 1000*(n-i))})
	}
	for _, i := range damaged {
		parts[i] = both(parts[i], func(h *zipHeader) { h.crc++ })
	}
	return wheelParts(parts...)
}

func TestScanReportsTheFirstMemberWhateverTheJobs(t *testing.T) {
	r := mustRead(t, zipBytes(manyParts(60, 17, 18, 40)...))
	for _, jobs := range []int{0, 1, 2, 8, 100} {
		for range 10 {
			err := r.Scan(context.Background(), jobs, nil)
			if err == nil || !strings.HasPrefix(err.Error(), "demo/017: ") {
				t.Fatalf("%d jobs: Scan = %v, want the error of demo/017", jobs, err)
			}
		}
	}
}

func TestInspectReportsAll(t *testing.T) {
	r := mustRead(t, zipBytes(manyParts(60, 17, 18, 40)...))
	for _, jobs := range []int{1, 8} {
		visited := atomic.Int64{}
		faults, err := r.Inspect(context.Background(), jobs, func(m *Member) bool { return m.Name != "demo/018" }, func(m *Member, _ io.Reader) error {
			visited.Add(1)
			if m.Name == "demo/003" {
				return errors.New("not wanted")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, fault := range faults {
			name, _, _ := strings.Cut(fault.Error(), ": ")
			got = append(got, name)
		}
		if want := "demo/003 demo/017 demo/040"; strings.Join(got, " ") != want {
			t.Errorf("%d jobs: faults of %q, want %s", jobs, got, want)
		}
		if want := int64(len(r.Members()) - 1); visited.Load() != want {
			t.Errorf("%d jobs: %d members were visited, want %d", jobs, visited.Load(), want)
		}
	}
}

func TestInspectWithoutRecord(t *testing.T) {
	parts := manyParts(3, 1)
	for i := range parts {
		if strings.HasSuffix(parts[i].name, "/RECORD") {
			parts[i].content = "a,b\n"
		}
	}
	faults, err := mustRead(t, zipBytes(parts...)).Inspect(context.Background(), 0, func(*Member) bool { return true }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 2 || !strings.Contains(faults[0].Error(), "has 2 columns") || !strings.HasPrefix(faults[1].Error(), "demo/001: ") {
		t.Errorf("faults %q, want that of RECORD and that of demo/001", faults)
	}
}

func TestInspectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := mustRead(t, zipBytes(manyParts(3)...)).Inspect(ctx, 0, func(*Member) bool { return true }, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Inspect = %v, want %v", err, context.Canceled)
	}
}

func TestScanVisits(t *testing.T) {
	r := mustRead(t, zipBytes(demoParts()...))
	want := contents(t, r)
	var files atomic.Int64
	err := r.Scan(context.Background(), 4, func(m *Member, content io.Reader) error {
		files.Add(1)
		b := make([]byte, min(m.Size, 10)) // the rest is Scan's to check
		if _, err := io.ReadFull(content, b); err != nil {
			return err
		}
		if !strings.HasPrefix(want[m.Name], string(b)) {
			return fmt.Errorf("content begins with %q", b)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	if files.Load() != 7 {
		t.Errorf("Scan visited %d members, want the 7 files", files.Load())
	}
}

func TestScanVisitErrors(t *testing.T) {
	visit := func(m *Member, _ io.Reader) error {
		if m.Name == "demo/003" {
			return errDisk
		}
		return nil
	}
	err := mustRead(t, zipBytes(manyParts(9)...)).Scan(context.Background(), 2, visit)
	if !errors.Is(err, errDisk) || err.Error() != "demo/003: disk on fire" {
		t.Errorf("Scan = %v, want the visitor's error with the member's name", err)
	}
	err = mustRead(t, zipBytes(manyParts(9, 3)...)).Scan(context.Background(), 2, visit)
	if err == nil || !strings.Contains(err.Error(), "content has CRC-32") {
		t.Errorf("Scan = %v, want the damage, which may be why the visitor failed", err)
	}
}

func TestScanStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	r := mustRead(t, zipBytes(demoParts()...))
	err := r.Scan(ctx, 2, func(*Member, io.Reader) error { cancel(errDisk); return nil })
	if !errors.Is(err, errDisk) {
		t.Errorf("Scan = %v, want the cause %v", err, errDisk)
	}
}

func TestScanAcceptsSignaturesWithoutRows(t *testing.T) {
	parts := demoParts()
	parts = append(parts, part{name: demoInfo + "/RECORD.jws", content: "signed"}, part{name: demoInfo + "/RECORD.p7s", content: "signed"})
	if err := mustRead(t, zipBytes(parts...)).Scan(context.Background(), 1, nil); err != nil {
		t.Errorf("Scan: %v, want none: PEP 427 leaves the rows of signatures open", err)
	}
}

func TestRowsOfOtherAlgorithms(t *testing.T) {
	text := "import demo._core\n"
	for _, row := range []string{
		"demo/__init__.py,sha384=" + digestText(t, "sha384", text) + ",18\n",
		"demo/__init__.py,sha512=" + digestText(t, "sha512", text) + ",\n",
		"demo/__init__.py,sha256=" + digestText(t, "sha256", text) + "=,18\r\n",
	} {
		in := mustRead(t, replace(recordRow("demo/__init__.py"), row))
		if err := in.Scan(context.Background(), 1, nil); err != nil {
			t.Errorf("row %q: Scan: %v", row, err)
		}
		out := rewrite(t, in, in.Members(), WriterOptions{})
		// As installer compares it: the size is there, and no padding.
		want := strings.NewReplacer("=,18\r\n", ",18\n", ",\n", ",18\n").Replace(row)
		if got := contents(t, mustRead(t, out))[demoInfo+"/RECORD"]; !strings.Contains(got, want) {
			t.Errorf("RECORD of the copy:\n%swant the row %q", got, want)
		}
	}
}

func digestText(t *testing.T, algorithm, text string) string {
	t.Helper()
	h := algorithms[algorithm]()
	h.Write([]byte(text))
	return strings.TrimPrefix(formatHash(h.Sum(nil)), "sha256=")
}

func TestMemberOpen(t *testing.T) {
	r := mustRead(t, zipBytes(demoParts()...))
	m, _ := r.Lookup("demo/_core.so")
	f, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head, []byte("\x7fELF")) {
		t.Fatalf("first bytes are %q, %v", head, err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close: %v, want none for what was not read", err)
	}
	if _, err := f.Read(head); err == nil || err == io.EOF {
		t.Errorf("Read after Close = %v, want an error", err)
	}
}

func TestScanSomeLeavesTheOthersAlone(t *testing.T) {
	r := mustRead(t, zipBytes(manyParts(9, 3)...))
	picked := func(m *Member) bool { return strings.HasSuffix(m.Name, "0") || strings.HasSuffix(m.Name, "2") }
	var visited atomic.Int64
	err := r.ScanSome(context.Background(), 2, picked, func(*Member, io.Reader) error { visited.Add(1); return nil })
	if err != nil || visited.Load() != 2 {
		t.Errorf("ScanSome = %v after %d members, want none after 2: the damaged one is not among them", err, visited.Load())
	}
	if err := r.ScanSome(context.Background(), 2, func(m *Member) bool { return m.Name == "demo/003" }, nil); err == nil {
		t.Error("ScanSome of the damaged member = nil, want its error")
	}
}
