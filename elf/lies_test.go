package elf

import (
	"bytes"
	"debug/elf"
	"testing"
)

// liars are small images of both classes and byte orders, with every table.
func liars(t *testing.T) map[string][]byte {
	images := map[string][]byte{
		"x86_64":          image(t, "x86_64 isa=v2 symtab hash=both"+fullSpec),
		"i686 program":    image(t, "i686 type=exec interp=/lib/ld.so hash=sysv"+fullSpec),
		"s390x":           image(t, "s390x nosections hash=sysv"+fullSpec),
		"ppc64":           image(t, "ppc64 hash=gnu"+fullSpec),
		"armv7l":          image(t, "armv7l import=memcpy@GLIBC_2.4 bss=100"),
		"no export":       image(t, "x86_64 import=memcpy@GLIBC_2.14 bss=4000000"),
		"aarch64 program": image(t, "aarch64 interp=/lib/ld.so bss=4000000 symtab"+fullSpec),
	}
	real := fixtures(t)
	for _, name := range []string{"gnuld2.40-x86_64-plain.so", "zig0.17-armv7l-gnu.so", "zig0.17-s390x-gnu.so"} {
		images[name] = real[name]
	}
	return images
}

// askAndEdit asks a file everything, and edits it. Refusing is fine; what is
// written keeps its promises.
func askAndEdit(t *testing.T, data []byte) {
	t.Helper()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	visitAll(f)
	checkEdit(t, f, []Edit{SetRPath(longPath), AddNeeded("libone.so"), AddNeeded("libtwo.so"), AddNeeded("libthree.so")})
	checkEdit(t, f, withFirstNeeded(f, RemoveNeeded))
	checkEdit(t, f, []Edit{SetInterpreter("/somewhere/else/entirely/ld.so"), Strip()})
}

func TestTruncatedAnywhere(t *testing.T) {
	for name, data := range liars(t) {
		t.Run(name, func(t *testing.T) {
			for n := 0; n < len(data); n += 64 {
				askAndEdit(t, data[:n])
			}
		})
	}
}

// tables returns the file ranges of everything that a reader believes.
func tables(f *File) [][2]uint64 {
	out := [][2]uint64{
		{identSize, f.ehdrSize()},
		{f.Phoff, f.Phoff + uint64(f.Phnum)*f.progSize()},
		{f.dynamic.off, f.dynamic.off + f.Progs[f.dynamic.prog].Filesz},
		{f.Shoff, f.Shoff + uint64(f.Shnum)*f.sectSize()},
	}
	const enough = 256
	for _, tag := range []elf.DynTag{elf.DT_HASH, elf.DT_GNU_HASH, elf.DT_SYMTAB, elf.DT_VERNEED, elf.DT_VERDEF, elf.DT_VERSYM, elf.DT_STRTAB, elf.DT_RELA, elf.DT_REL} {
		if off, ok, err := f.table(tag, 4); ok && err == nil {
			out = append(out, [2]uint64{off, off + enough})
		}
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_NOTE || p.Type == elf.PT_INTERP {
			out = append(out, [2]uint64{p.Off, p.Off + p.Filesz})
		}
	}
	return out
}

func TestEveryFieldLies(t *testing.T) {
	for name, whole := range liars(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := parse(t, whole)
			lies := []uint64{0, 1, ^uint64(0), uint64(len(whole)), 1 << 63, 0x8000000080000000}
			done := map[uint64]bool{}
			for _, r := range tables(f) {
				for at := r[0] &^ 3; at < r[1] && at+8 <= uint64(len(whole)); at += 4 {
					if done[at] {
						continue
					}
					done[at] = true
					for _, lie := range lies {
						tell(t, whole, at, lie, f)
					}
				}
			}
		})
	}
}

// tell writes a lie of four bytes, and of eight where a word may lie.
func tell(t *testing.T, whole []byte, at, lie uint64, f *File) {
	t.Helper()
	for _, size := range []uint64{4, 8} {
		if size == 8 && (at%8 != 0 || !f.Is64()) {
			continue
		}
		data := bytes.Clone(whole)
		if size == 4 {
			f.Order.PutUint32(data[at:], uint32(lie))
		} else {
			f.Order.PutUint64(data[at:], lie)
		}
		askAndEdit(t, data)
		if t.Failed() {
			t.Fatalf("%d bytes at %#x were %#x", size, at, lie)
		}
	}
}
