package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/hostiletest"
	"github.com/wheelmend/wheelmend/wheel"
)

func TestUndefinedSymbolsAreCounted(t *testing.T) {
	var c undefinedCount
	c.n.Store(maxUndefined - 1)
	if err := c.add("f"); err != nil {
		t.Error(err)
	}
	var over *budget.Error
	if err := c.add("f"); !errors.As(err, &over) || over.Limit != maxUndefined {
		t.Error(err)
	}
}

func TestBytesOfNamesAreCounted(t *testing.T) {
	var c undefinedCount
	if err := c.keep(maxNameBytes); err != nil {
		t.Error(err)
	}
	var over *budget.Error
	if err := c.add("f"); !errors.As(err, &over) || over.Limit != maxNameBytes {
		t.Error(err)
	}
}

// lookUps verifies a wheel of n libraries and returns what the look-up of symbols took.
func lookUps(t *testing.T, members []hostiletest.Member) int {
	t.Helper()
	const tag = "manylinux_2_28_x86_64"
	data, err := hostiletest.Wheel(tag, members)
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Load(context.Background(), hostiletest.Filename(tag), r, LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	opts := Options{}
	opts.WheelOnly = true
	report, err := Assess(context.Background(), c, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer report.Close()
	table, err := report.system.(*linux).newSymbolTable(context.Background(), report.Graph, false, 1)
	if err != nil {
		t.Fatal(err)
	}
	s := &symbolCheck{report: report, table: table, work: newLookUps()}
	s.run(context.Background())
	s.faults()
	if err := s.work.Err(); err != nil {
		t.Fatal(err)
	}
	return s.work.Spent()
}

// What nobody reads costs nothing for each symbol, and a chain nothing for each file
// that wants what is not there.
func TestWorkOfTheLookUp(t *testing.T) {
	symbols := func(n int) (list []elftest.Symbol) {
		for i := range n {
			list = append(list, elftest.Symbol{Name: fmt.Sprintf("f%d", i), Func: true})
		}
		return list
	}
	needed := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("libn%d.so", i))
		}
		return list
	}
	for _, tt := range []struct {
		name string
		make func(n int) []hostiletest.Member
	}{
		{"NEEDED with undefined symbols", func(n int) []hostiletest.Member {
			return []hostiletest.Member{{Name: "pkg/a.so", Data: elftest.Build(elftest.Spec{Needed: needed(n), Symbols: symbols(n)})}}
		}},
		{"a chain that wants what is not there", func(n int) (list []hostiletest.Member) {
			for i := range n {
				s := elftest.Spec{Needed: []string{fmt.Sprintf("lib%d.so", i+1)}, RPath: "$ORIGIN", Symbols: symbols(1)}
				list = append(list, hostiletest.Member{Name: fmt.Sprintf("pkg/lib%d.so", i), Data: elftest.Build(s)})
			}
			return list
		}},
	} {
		if few, many := lookUps(t, tt.make(50)), lookUps(t, tt.make(400)); many > 9*few {
			t.Errorf("%s: %d units for 50, %d for 400", tt.name, few, many)
		}
	}
}

// A limit that is found while files are read names the one once, with every command.
func TestLimitNamesTheFileOnce(t *testing.T) {
	needed := slices.Repeat([]string{"libn.so"}, maxNeeded+1)
	const tag, want = "linux_x86_64", "pkg/a.so: more than 65536 libraries (DT_NEEDED) in all files, which no real wheel needs; see docs/limits.md"
	data, err := hostiletest.Wheel(tag, []hostiletest.Member{{Name: "pkg/a.so", Data: elftest.Build(elftest.Spec{Needed: needed})}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), hostiletest.Filename(tag), r, LoadOptions{}); err == nil || err.Error() != want {
		t.Errorf("Load: %v, want %s", err, want)
	}
	if _, err := Verify(t.Context(), hostiletest.Filename(tag), r, VerifyOptions{}); err == nil || err.Error() != want {
		t.Errorf("Verify: %v, want %s", err, want)
	}
}

// What a file wants costs some hundred bytes for each symbol, as many as the limit on
// their number allows for in half a gigabyte, and is counted once.
func TestMemoryOfUndefinedSymbols(t *testing.T) {
	const n, most = 20_000, 1_100 // symbols; bytes for each, allocated and not kept
	symbols := make([]elftest.Symbol, n)
	for i := range symbols {
		symbols[i] = elftest.Symbol{Name: fmt.Sprintf("f%d", i/2), Func: true}
	}
	const tag = "manylinux_2_28_x86_64"
	data, err := hostiletest.Wheel(tag, []hostiletest.Member{{Name: "pkg/a.so", Data: elftest.Build(elftest.Spec{Needed: []string{"libc.so.6"}, Symbols: symbols})}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := Verify(t.Context(), hostiletest.Filename(tag), r, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > most {
		t.Errorf("%d bytes are allocated for each symbol, want at most %d", each, most)
	}
	i := slices.IndexFunc(p.Claims, func(c Claim) bool { return c.Topic == TopicSymbols && len(c.Faults) > 0 })
	if i < 0 {
		t.Fatal("no claim about symbols fails")
	}
	if got := len(p.Claims[i].Faults[0].Symbols); got != n/2 {
		t.Errorf("%d symbols are not found, want %d, each once", got, n/2)
	}
}
