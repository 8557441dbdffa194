package repair_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/repair"
)

// TestMacOSLies repairs wheels with a module whose header says something false, at
// each of its words: the repair goes through and its result is read back, or one
// line names the file. Nothing that a file says may look like our own defect.
func TestMacOSLies(t *testing.T) {
	spec, err := machotest.Parse("arch=x86_64 type=bundle loads=/opt/libb.dylib,@rpath/libc.dylib rpaths=/opt arch=arm64 type=bundle loads=/opt/libb.dylib rpaths=@loader_path minos=11.0")
	if err != nil {
		t.Fatal(err)
	}
	const system = "opt/libb.dylib macho arch=x86_64 id=/opt/libb.dylib arch=arm64 id=/opt/libb.dylib\nopt/libc.dylib macho arch=x86_64 id=/opt/libc.dylib"
	image := machotest.Build(spec)
	arm := int(binary.BigEndian.Uint32(image[8+20+8:]))
	intel := int(binary.BigEndian.Uint32(image[8+8:]))
	w := newWorld(t, macName("macosx_11_0_universal2"), "", system)
	repaired := 0
	for _, part := range []struct{ from, size int }{{0, 48}, {intel, 760}, {arm, 760}} {
		for off := part.from; off < part.from+part.size; off += 8 {
			lies := []uint32{0, 1, 0x7fffffff, 0xffffffff, binary.LittleEndian.Uint32(image[off:]) + 8}
			lie := lies[off/8%len(lies)] // a sample: all lies at all words take a minute
			data := slices.Clone(image)
			binary.LittleEndian.PutUint32(data[off:], lie)
			w.wheel = w.write(t, macName("macosx_11_0_universal2"), pkg+fmt.Sprintf("demo/_core.so raw %q", data))
			_, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, t.TempDir())
			switch {
			case err == nil:
				repaired++
			case errors.Is(err, repair.ErrPure) && off < 8: // it is no Mach-O file any more
			case strings.Contains(err.Error(), "defect") || !strings.Contains(err.Error(), "demo/_core.so") || strings.Contains(err.Error(), "\n"):
				t.Errorf("%#x at %#x: %v", lie, off, err)
			}
		}
	}
	if repaired == 0 {
		t.Error("none was repaired, so nothing was edited")
	}
}
