package wheel

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// work returns the bytes that f allocates, which every copy of a text adds to.
func work(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Work on a file of .dist-info grows with its size, not with the square of it.
func TestWorkIsLinear(t *testing.T) {
	cases := []struct {
		name string
		make func(n int) []byte
		read func([]byte)
	}{
		{"continuation lines of METADATA", func(n int) []byte { return []byte(demoMetadata[:40] + "\nX: 1\n" + strings.Repeat(" a\n", n)) },
			func(b []byte) { _, _ = ParseMetadata(b) }},
		{"continuation lines of WHEEL", func(n int) []byte { return []byte(demoWheel + strings.Repeat(" a\n", n)) },
			func(b []byte) { _, _ = ParseInfo(b); _, _ = oddInfo(b) }},
		{"fields of METADATA", func(n int) []byte { return []byte(demoMetadata[:40] + strings.Repeat("\na:", n)) },
			func(b []byte) { _, _ = ParseMetadata(b); _, _ = oddMetadata(b) }},
		{"rows of RECORD", func(n int) []byte {
			var b bytes.Buffer
			for i := range n {
				fmt.Fprintf(&b, "%d,,\n", i)
			}
			return b.Bytes()
		}, func(b []byte) { _, _ = ParseRecord(b) }},
		{"entry points", func(n int) []byte {
			var b bytes.Buffer
			b.WriteString("[console_scripts]\n")
			for i := range n {
				fmt.Fprintf(&b, "c%d=a:b\n", i)
			}
			return b.Bytes()
		}, func(b []byte) { _, _ = ParseCommands(b) }},
		{"nested names", func(n int) []byte { return []byte(strings.Repeat("d/", n) + "x") },
			func(b []byte) { _ = nameRule(string(b)) + oddName(string(b)) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var spent [3]uint64
			for i, n := range []int{1000, 4000, 16000} {
				b := c.make(n)
				spent[i] = work(func() { c.read(b) })
			}
			for i := 1; i < len(spent); i++ {
				if spent[i] > 8*spent[i-1]+1<<16 {
					t.Errorf("four times the size allocates %d bytes after %d: that is not linear", spent[i], spent[i-1])
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	rows := func(n int) []byte {
		var b bytes.Buffer
		for i := range n {
			fmt.Fprintf(&b, "%d,,\n", i)
		}
		return b.Bytes()
	}
	if _, err := ParseRecord(rows(maxRows)); err != nil {
		t.Errorf("RECORD of %d rows: %v", maxRows, err)
	}
	_, err := ParseRecord(rows(maxRows + 1))
	checkRefusal(t, err, "RECORD has more than 200000 rows")

	fields := func(n int) []byte { return []byte("Name: a\nVersion: 1\n" + strings.Repeat("a:\n", n-2)) }
	if _, err := ParseMetadata(fields(maxFields)); err != nil {
		t.Errorf("METADATA of %d headers: %v", maxFields, err)
	}
	_, _, err = parseFields(fields(maxFields + 1))
	checkRefusal(t, err, "more than 100000 headers")

	set := func(p string) string { return strings.TrimSuffix(strings.Repeat(p+".", 16), ".") }
	line := fmt.Sprintf("Tag: %s-%s-%s\n", set("a"), set("b"), set("c")) // 4096 tags
	if _, err := ParseInfo([]byte(demoWheel + strings.Repeat(line, 3))); err != nil {
		t.Errorf("WHEEL of 12289 tags: %v", err)
	}
	_, err = ParseInfo([]byte(demoWheel + strings.Repeat(line, 4)))
	checkRefusal(t, err, "the Tag lines stand for more than 16384 tags")

	many := patched(-14, func(b []byte) { putU16(0xffff)(b); putU16(0xffff)(b[2:]) })
	_, err = NewReader(bytes.NewReader(many), int64(len(many)))
	checkRefusal(t, err, "65535 members are declared")

	bomb := func(size uint32) []byte {
		return with(both(part{name: "demo/x", raw: make([]byte, 1<<20)}, func(h *zipHeader) { h.usize = size }))
	}
	_, err = NewReader(bytes.NewReader(bomb(60<<20)), int64(len(bomb(60<<20))))
	if err != nil {
		t.Errorf("60 MiB of 1: %v", err)
	}
	_, err = NewReader(bytes.NewReader(bomb(65<<20)), int64(len(bomb(65<<20))))
	checkRefusal(t, err, "more than 50 times the archive's")
}

// What is wrong with very many members is told of the first ones, and counted.
func TestFaultsAreBounded(t *testing.T) {
	var parts []part
	for i := range 3 * maxOddities {
		parts = append(parts, both(part{name: fmt.Sprintf("demo/%d", i)}, func(h *zipHeader) { h.flags |= 1 << 12 }))
	}
	r := mustRead(t, zipBytes(append(parts, wheelParts()...)...))
	if n := len(r.Oddities()); n != maxOddities+1 {
		t.Errorf("%d oddities, want %d and a count", n, maxOddities)
	}
	record, err := r.Record()
	if err != nil {
		t.Fatal(err)
	}
	faults := r.checkRows(record, false)
	if all := r.checkRows(record, true); len(all) != 3*maxOddities {
		t.Errorf("%d faults in all, want %d", len(all), 3*maxOddities)
	}
	if got := faults[len(faults)-1].Error(); len(faults) != maxOddities+1 || got != "200 more like these" {
		t.Errorf("%d faults, the last is %q", len(faults), got)
	}
}
