package elf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
)

// A library gets another soname and is found beside what needs it.
func ExampleEditFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "libdemo.so")
	spec, err := elftest.Parse("x86_64 soname=libdemo.so.1 needed=libz.so.1")
	if err == nil {
		err = os.WriteFile(name, elftest.Build(spec), 0o755)
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	if err := elf.EditFile(context.Background(), name, elf.SetSoname("libdemo-1.so"), elf.SetRunPath("$ORIGIN")); err != nil {
		fmt.Println(err)
		return
	}

	in, err := os.Open(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := elf.NewFile(in, info.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Soname(), f.RunPath(), f.Needed())
	// Output: libdemo-1.so $ORIGIN [libz.so.1]
}
