package elf

import (
	"bytes"
	"debug/elf"
	"fmt"
	"hash/fnv"
	"runtime/metrics"
	"slices"
	"strings"
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
		"no dynamic":      bytesOf(t, headerOnly(t, elf.ET_EXEC)),
	}
	real := fixtures(t)
	for _, name := range []string{
		"gnuld2.40-x86_64-plain.so", "gnuld2.40-x86_64-relr.so", "gnuld2.40-x86_64-pie",
		"zig0.17-armv7l-gnu.so", "zig0.17-s390x-gnu.so",
	} {
		images[name] = real[name]
	}
	return images
}

// lies are what a field may say: the edges of each width, of the file, and of
// what stands there. A negative distance would make a chain turn back.
func lies(size, was uint64) []uint64 {
	return []uint64{
		0, 1, ^uint64(0), size - 1, size, size + 1, was - 1, was + 1,
		1 << 15, 1<<31 - 1, 1 << 31, 1 << 32, 1<<63 - 1, 1 << 63,
		^uint64(0) - 7, ^uint64(0) - 15, ^uint64(0) - 19,
	}
}

// askAndEdit asks a file everything, and edits it in the ways of the commands.
// Whatever is refused is refused in one clear line; what is written keeps its
// promises; and none of it costs more than its share of memory.
func askAndEdit(t *testing.T, data []byte) {
	t.Helper()
	before := allocated()
	defer func() {
		if got := allocated() - before; got > costLimit {
			t.Errorf("allocated %d MiB, want at most %d MiB", got>>20, costLimit>>20)
		}
	}()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		checkError(t, err)
		return
	}
	visitAll(t, f)
	countSymbols(t, f)
	for _, script := range []fuzzScript{
		{fuzzRPath, 200, fuzzAdd, 3, fuzzAdd, 4, fuzzAdd, 5, fuzzApply, fuzzNoPath},
		{fuzzRemove, 0, fuzzSoname, 20},
		{fuzzReplace, 0, 40, fuzzInterp, 90, fuzzStrip},
	} {
		script.run(t, f)
	}
}

// allocated returns how many bytes have been allocated so far, in all.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// sampled reports whether a case belongs to the one in share that is looked at.
func sampled(share uint32, parts ...string) bool {
	h := fnv.New32a()
	h.Write([]byte(strings.Join(parts, "\x00")))
	return h.Sum32()%share == 0
}

// An image may end anywhere: a short one is cut at every byte.
func TestTruncatedAnywhere(t *testing.T) {
	const short = 1500
	for name, data := range liars(t) {
		t.Run(name, func(t *testing.T) {
			step := 1
			if len(data) > short {
				step = int(min(lieShare, 61))
			}
			for n := 0; n < len(data); n += step {
				askAndEdit(t, data[:n])
				if t.Failed() {
					t.Fatalf("cut to %d bytes", n)
				}
			}
		})
	}
}

// Every field of every structure says every lie.
func TestEveryFieldLies(t *testing.T) {
	for name, whole := range liars(t) {
		t.Run(name, func(t *testing.T) {
			f := parse(t, whole)
			for _, x := range fieldsOf(t, f) {
				was := x.get(f.Order, whole)
				told := [][]byte{whole}
				for _, v := range lies(uint64(len(whole)), was) {
					data := bytes.Clone(whole)
					x.set(f.Order, data, v)
					if !sampled(lieShare, name, x.name, fmt.Sprint(v)) || slices.ContainsFunc(told, func(d []byte) bool { return bytes.Equal(d, data) }) {
						continue
					}
					told = append(told, data)
					askAndEdit(t, data)
					if t.Failed() {
						t.Fatalf("%s at %#x is %#x, was %#x", x.name, x.off, v, was)
					}
				}
			}
		})
	}
}
