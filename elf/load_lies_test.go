//go:build integration

package elf

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loadShare is how many lies one is loaded with: each takes two processes or more.
const loadShare = 16

// lyingLayouts are the layouts whose fields lie, as far as they are not ordinary.
func lyingLayouts() []layout {
	return []layout{
		{"linker": "bfd", "kind": "library", "code": "code in the first segment", "hash": "both hashes"},
		{"linker": "lld", "kind": "library", "relro": "full relro", "bss": "bss 0"},
		{"linker": "bfd", "kind": "library", "slots": "no spare", "path": "rpath", "relocations": "relr"},
		{"linker": "mold", "kind": "pie", "hash": "both hashes"},
		{"linker": "bfd", "kind": "non-pie", "code": "code in the first segment", "hash": "sysv hash"},
		{"linker": "bfd", "kind": "library", "machine": "i386"},
	}
}

// TestLiesLoadAsBefore: what loads and works with a lie in it must do so after an
// edit. A file that cannot be edited safely is refused, never damaged. What the
// loader takes and we refuse is told in the log.
func TestLiesLoadAsBefore(t *testing.T) {
	l := newLab(t)
	for _, o := range lyingLayouts() {
		o["edited"] = "by strip"
		for _, trait := range layoutTraits() {
			if o[trait.name] == "" {
				o[trait.name] = trait.values[0]
			}
		}
		t.Run(o.name(), func(t *testing.T) { l.tellAll(t, o) })
	}
}

// tellAll tells the image of a layout lies, and loads what comes out.
func (l *lab) tellAll(t *testing.T, o layout) {
	path := filepath.Join(t.TempDir(), "image")
	l.make(t, o, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, whole)
	strict, working := map[string]int{}, 0
	for _, x := range fieldsOf(t, f) {
		for _, v := range lies(uint64(len(whole)), x.get(f.Order, whole)) {
			data := bytes.Clone(whole)
			x.set(f.Order, data, v)
			if bytes.Equal(data, whole) || pointsNowhere(t, f, x, v) || !sampled(loadShare, o.name(), x.name, fmt.Sprint(v)) {
				continue
			}
			said := l.runTwice(t, o, path, data)
			if said == "" {
				continue
			}
			working++
			for _, rule := range l.tell(t, o, path, fmt.Sprintf("%s = %#x", x.name, v), data, said) {
				strict[number.ReplaceAllString(rule+" ["+x.name+"]", "N")]++
			}
		}
	}
	if working == 0 {
		t.Error("no image works")
	}
	t.Logf("%d images work", working)
	for _, rule := range slices.Sorted(maps.Keys(strict)) {
		t.Logf("%d work, and are refused: %s", strict[rule], rule)
	}
}

// runTwice returns what an image says when it works. Some do by chance.
func (l *lab) runTwice(t *testing.T, o layout, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	said := l.run(t, o, path, true)
	if !strings.HasPrefix(said, "0 ") || l.run(t, o, path, true) != said {
		return ""
	}
	return said
}

// tell edits an image that lies and works, and compares what the results say. It
// returns why the image, or an edit of it, was refused.
func (l *lab) tell(t *testing.T, o layout, path, lie string, data []byte, said string) (refused []string) {
	t.Helper()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return []string{"read: " + err.Error()}
	}
	short := []Edit{SetRunPath("$ORIGIN"), Strip()}
	long := []Edit{
		SetRPath("$ORIGIN/" + strings.Repeat("some/folder/", 8)), ReplaceNeeded("libdep.so.1", "libdep-01234567.so.1"),
		AddNeeded("libpthread.so.0"), AddNeeded("librt.so.1"), AddNeeded("libutil.so.1"),
	}
	all := map[string][]Edit{"short": short, "long": long}
	if o["kind"] == "library" {
		all["soname"] = []Edit{SetSoname("libother.so.1")}
	} else {
		all["interpreter"] = []Edit{SetInterpreter(l.interpreter(o["machine"], longInterpreter))}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		edited, err := f.Edit(context.Background(), all[name]...)
		if err != nil {
			refused = append(refused, "edit: "+err.Error())
			continue
		}
		if err := os.WriteFile(path, contents(t, edited), 0o755); err != nil {
			t.Fatal(err)
		}
		// -14 is the alarm: gigabytes of thread-local data take their time.
		if got := l.run(t, o, path, true); got != said && !strings.HasPrefix(got, "-14 ") {
			t.Errorf("%s, edited (%s): says %q, and %q before", lie, name, got, said)
		}
	}
	return refused
}

// pointsNowhere reports whether a lie would have the program use what lies in no
// segment: nobody says what is there.
func pointsNowhere(t *testing.T, f *File, x field, v uint64) bool {
	if strings.HasSuffix(x.name, ".r_addend") && hasSymbol(f, x) {
		return true // it leads into another library, or its thread-local data
	}
	if strings.HasSuffix(x.name, ".p_memsz") && v < x.get(f.Order, bytesOf(t, f)) {
		return true // .bss behind its segment is whatever fills the page
	}
	if !strings.HasPrefix(x.name, "rel") && !strings.HasPrefix(x.name, "jmprel") && !strings.HasSuffix(x.name, ".st_value") {
		return false
	}
	return !slices.ContainsFunc(f.maps, func(p Prog) bool { return v >= p.Vaddr && v < p.Vaddr+p.Memsz })
}

// hasSymbol reports whether the relocation with that r_addend is one to a symbol.
func hasSymbol(f *File, addend field) bool {
	word := f.pick(4, 8)
	info, err := f.read("r_info", addend.off-word, word)
	return err == nil && f.cursor(info, 0).Word()>>f.pick(8, 32) != 0
}
