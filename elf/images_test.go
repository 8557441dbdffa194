package elf

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/overlay"
)

// image builds the ELF image that the text describes; see [elftest.Parse].
func image(t testing.TB, spec string) []byte {
	t.Helper()
	s, err := elftest.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return elftest.Build(s)
}

// parse reads an image that must be sound.
func parse(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// open builds and reads the image that the text describes.
func open(t testing.TB, spec string) *File {
	t.Helper()
	return parse(t, image(t, spec))
}

// contents returns all bytes of an image.
func contents(t testing.TB, o *overlay.Overlay) []byte {
	t.Helper()
	data, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// edit carries out edits that must succeed, and reads the result.
func edit(t testing.TB, f *File, edits ...Edit) *File {
	t.Helper()
	o, err := f.Edit(context.Background(), edits...)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, contents(t, o))
}

// traits are the layouts that each architecture is tested in.
func traits() map[string]string {
	return map[string]string{
		"gnu hash":           "",
		"both hashes":        "hash=both",
		"sysv hash":          "hash=sysv",
		"sysv hash, 4 bytes": "hash=sysv32",
		"spare slots":        "spare=4",
		"no sections":        "nosections",
		"symtab":             "symtab",
		"small bss":          "bss=5000 symtab",
		"big bss":            "bss=4000000 symtab",
		"huge bss":           "bss=0x40000000",
		"2 MiB pages":        "page=0x200000 bss=100",
		"program":            "type=exec interp=/lib/ld.so symtab",
		"pie":                "interp=/lib/ld.so bss=3000",
		"big pie":            "interp=/lib/ld.so bss=3000000",
	}
}

// fullSpec has an entry in every table.
const fullSpec = " needed=libdep.so.3,libc.so.6 soname=libx.so.1 runpath=$ORIGIN/../lib" +
	" import=memcpy@GLIBC_2.14:libc.so.6,dep@DEP_1:libdep.so.3,free@GLIBC_2.2.5:libc.so.6,plain weak=maybe" +
	" export=PyInit__core@V1,bar@V2 data=table "

// eachImage runs a test on every architecture and trait.
func eachImage(t *testing.T, test func(t *testing.T, f *File)) {
	for _, arch := range elftest.Arches() {
		for name, trait := range traits() {
			t.Run(arch+"/"+name, func(t *testing.T) { test(t, open(t, arch+fullSpec+trait)) })
		}
	}
}
