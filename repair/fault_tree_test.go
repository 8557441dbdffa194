package repair_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/faultio"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
)

// Whichever read of a file or of its libraries fails, or gives other bytes from then on,
// while a directory is repaired: there is an error that says so, or the result is that of a
// sound disk. Each file is then what it was or what it becomes.
func TestTreeOnAFaultyDisk(t *testing.T) {
	const members = "pkg/a.so macho arch=arm64 loads=@rpath/libx.dylib rpaths=/opt signed=adhoc\npkg/b.so macho arch=arm64 loads=@loader_path/c.dylib signed=adhoc\npkg/c.dylib macho arch=arm64 loads=/opt/libx.dylib signed=adhoc"
	const system = "opt/libx.dylib macho arch=arm64 id=/opt/libx.dylib loads=/opt/liby.dylib signed=adhoc\nopt/liby.dylib macho arch=arm64 signed=adhoc"
	g := newGrove(t, members, system)
	before := filesOf(t, g.dir)
	if _, err := g.repair(repair.DirectoryOptions{Jobs: 1}); err != nil {
		t.Fatal(err)
	}
	want := filesOf(t, g.dir)
	for _, fault := range []struct {
		kind  faultio.Kind
		cause error
	}{{faultio.Fails, faultio.Err}, {faultio.Changes, steady.ErrChanged}} {
		reads, noticed := int64(0), 0
		faultio.EachOf(fault.kind, func(n int64, d *faultio.Disk) bool {
			put(t, g.dir, before)
			_, err := g.repair(repair.DirectoryOptions{Jobs: 1, Link: linkage.Options{Through: d.Through}})
			after := filesOf(t, g.dir)
			for name, data := range after {
				if old, ok := before[name]; data != want[name] && (!ok || data != old) {
					t.Errorf("read %d: %s is neither what it was nor what it becomes (%v)", n, name, err)
				}
			}
			told := err != nil && strings.Contains(err.Error(), fault.cause.Error())
			if told {
				noticed++
			}
			switch {
			case err == nil && !maps.Equal(after, want):
				t.Errorf("read %d: no error, and another directory", n)
			case fault.kind == faultio.Fails && d.Struck() && !told:
				t.Errorf("read %d: %v, want %v", n, err, fault.cause)
			}
			reads = n
			return !t.Failed()
		})
		if reads < 20 || noticed < 5 {
			t.Errorf("%d reads, of which %d are noticed: too few to say something", reads, noticed)
		}
	}
}
