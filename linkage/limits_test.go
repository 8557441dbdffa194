package linkage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/macho"
)

// numbered returns n texts, each made from a pattern with a number.
func numbered(n int, pattern string) []string {
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf(pattern, i))
	}
	return names
}

func elfMember(t *testing.T, name string, s elftest.Spec) Member {
	t.Helper()
	data := elftest.Build(s)
	f, err := elf.NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return Member{Name: name, Content: f}
}

// libraries returns n members lib0.so and so on.
func libraries(t *testing.T, n int, spec func(i int) elftest.Spec) []Member {
	var members []Member
	for i, name := range numbered(n, "pkg/lib%d.so") {
		members = append(members, elfMember(t, name, spec(i)))
	}
	return members
}

func TestWhatNoRealWheelAsksForIsRefused(t *testing.T) {
	one := func(s elftest.Spec) []Member { return []Member{elfMember(t, "pkg/a.so", s)} }
	for _, tt := range []struct {
		name    string
		members []Member
		want    string
	}{
		{"NEEDED", one(elftest.Spec{Needed: numbered(maxNeeded+1, "l%d")}), "pkg/a.so: more than 4096 libraries (DT_NEEDED), which no real wheel needs"},
		{"a long RPATH", one(elftest.Spec{RPath: strings.Repeat("r", maxPathBytes+1)}), "more than 65536 bytes of search path"},
		{"RUNPATH entries", one(elftest.Spec{RunPath: strings.Repeat("/:", maxPathEntries+1)}), "more than 4096 directories in a search path"},
		{"NEEDED of all", libraries(t, 70, func(int) elftest.Spec { return elftest.Spec{Needed: numbered(1000, "l%d")} }), "pkg/lib65.so: more than 65536 libraries that all files name"},
		{"NEEDED times RPATH", one(elftest.Spec{Needed: numbered(4000, "l%d"), RPath: strings.Join(numbered(4000, "$ORIGIN/%d"), ":")}), "steps of the search for libraries"},
		{"the search paths of a chain", libraries(t, 3, func(i int) elftest.Spec {
			return elftest.Spec{Needed: []string{fmt.Sprintf("lib%d.so", i+1)}, RPath: "$ORIGIN:" + strings.Join(numbered(3000, fmt.Sprintf("$ORIGIN/%d/%%d", i)), ":")}
		}), "directories in its search path and those of the files that load it"},
	} {
		g, err := Resolve(context.Background(), tt.members, Options{WheelOnly: true})
		var over *budget.Error
		if !errors.As(err, &over) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if g != nil {
			g.Close()
		}
	}
}

// The work for a wheel grows with what it asks for, not with its square.
func TestWorkOfTheSearch(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(n int) []Member
	}{
		{"RPATH entries", func(n int) []Member {
			return []Member{elfMember(t, "pkg/a.so", elftest.Spec{Needed: []string{"l"}, RPath: strings.Join(numbered(n, "$ORIGIN/%d"), ":")})}
		}},
		{"NEEDED", func(n int) []Member {
			return []Member{elfMember(t, "pkg/a.so", elftest.Spec{Needed: numbered(n, "l%d")})}
		}},
		{"a chain", func(n int) []Member {
			return libraries(t, n, func(i int) elftest.Spec {
				return elftest.Spec{Needed: []string{fmt.Sprintf("lib%d.so", (i+1)%n)}, RPath: "$ORIGIN"}
			})
		}},
		{"one RPATH in every file", func(n int) []Member {
			return libraries(t, n, func(i int) elftest.Spec {
				return elftest.Spec{Needed: []string{fmt.Sprintf("lib%d.so", (i+1)%n)}, RPath: "$ORIGIN:$ORIGIN/a:$ORIGIN/b"}
			})
		}},
	} {
		spent := func(n int) int {
			members := tt.make(n)
			r := newResolver(members, Root{}, Options{WheelOnly: true})
			r.reached = map[string][]*Image{} // the cost of one load alone
			if err := r.addMembers(members); err != nil {
				t.Fatal(err)
			}
			for _, o := range r.order() {
				r.load(o)
				break
			}
			if err := r.failure(); err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			return r.work.Spent()
		}
		if few, many := spent(100), spent(800); many > 9*few {
			t.Errorf("%s: %d units for 100, %d for 800", tt.name, few, many)
		}
	}
}

// together returns n libraries that all need each other.
func together(t testing.TB, n int) []Member {
	t.Helper()
	var members []Member
	for i := range n {
		data := elftest.Build(elftest.Spec{Soname: fmt.Sprintf("lib%d.so", i), Needed: numbered(n, "lib%d.so"), RunPath: "$ORIGIN"})
		f, err := elf.NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, Member{Name: fmt.Sprintf("pkg/lib%d.so", i), Content: f})
	}
	return members
}

// Where all libraries need each other, the work grows with their needs: each is settled once,
// and not gone through again for every library that a process may begin with.
func TestWorkForLibrariesThatNeedEachOther(t *testing.T) {
	spent := func(n int) int {
		r := newResolver(together(t, 0), Root{}, Options{WheelOnly: true})
		if err := r.addMembers(together(t, n)); err != nil {
			t.Fatal(err)
		}
		g, err := r.resolve(t.Context())
		if err != nil {
			t.Fatalf("%d libraries: %v", n, err)
		}
		defer g.Close()
		if len(g.Roots) != 1 {
			t.Errorf("%d libraries: %d of them are loaded by no other, want the first", n, len(g.Roots))
		}
		for _, f := range g.Members {
			for _, need := range f.Images[0].Needs {
				if need.Status != Found {
					t.Fatalf("%s needs %s: not found", f.Path, need.Name)
				}
			}
		}
		return r.work.Spent()
	}
	if few, many := spent(60), spent(240); many > 17*few {
		t.Errorf("%d units for 3,600 needs, %d for 57,600", few, many)
	}
}

// BenchmarkLibrariesThatNeedEachOther goes up to what maxEdges allows.
func BenchmarkLibrariesThatNeedEachOther(b *testing.B) {
	for _, n := range []int{64, 128, 250} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			members := together(b, n)
			b.ReportAllocs()
			for b.Loop() {
				g, err := Resolve(b.Context(), members, Options{WheelOnly: true})
				if err != nil {
					b.Fatal(err)
				}
				if err := g.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n*n), "ns/need")
		})
	}
}

// A directory is listed once it has been asked for many names, and its answers stay.
func TestManyNamesOfADirectory(t *testing.T) {
	root := Root{t.TempDir()}
	d := newDisk(parseELF, 0)
	for i := range 3 * manyNames {
		if why := d.lookup(root, fmt.Sprintf("/libx%d.so", i)).why; why != notThere {
			t.Fatalf("name %d: %q", i, why)
		}
	}
	if len(d.lookups) >= manyNames {
		t.Errorf("%d looks", len(d.lookups))
	}
	if why := d.lookup(root, "/none/libx.so").why; why != notThere {
		t.Errorf("in a folder that is not there: %q", why)
	}
}

func machOMember(t *testing.T, s machotest.Slice) Member {
	t.Helper()
	s.Arch = "arm64"
	data := machotest.Build(machotest.Spec{Slices: []machotest.Slice{s}})
	f, err := macho.NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return Member{Name: "pkg/a.so", Content: f}
}

func TestWhatNoRealMacWheelAsksForIsRefused(t *testing.T) {
	var loads []machotest.Load
	for _, name := range numbered(maxNeeded, "@rpath/l%d.dylib") {
		loads = append(loads, machotest.Load{Name: name})
	}
	for _, tt := range []struct {
		name  string
		slice machotest.Slice
		want  string
	}{
		{"loads", machotest.Slice{Loads: append(loads, machotest.Load{Name: "l"})}, "pkg/a.so: more than 4096 libraries (LC_LOAD_DYLIB) in a slice"},
		{"rpaths", machotest.Slice{RPaths: numbered(maxPathEntries+1, "/%d")}, "more than 4096 search paths (LC_RPATH) in a slice"},
		{"a long rpath", machotest.Slice{RPaths: []string{strings.Repeat("/x", maxPathBytes)}}, "more than 65536 bytes of search paths (LC_RPATH) in a slice"},
		{"loads times rpaths", machotest.Slice{Loads: loads, RPaths: numbered(4000, "@rpath/%d")}, "steps of the search for libraries"},
	} {
		g, err := Resolve(context.Background(), []Member{machOMember(t, tt.slice)}, Options{WheelOnly: true})
		var over *budget.Error
		if !errors.As(err, &over) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
		if g != nil {
			g.Close()
		}
	}
}
