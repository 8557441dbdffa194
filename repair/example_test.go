package repair_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
)

// A wheel gets the library that it needs and a tag that is true of it.
func ExampleRepairer() {
	if err := repairDemo(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// demo-1.0-cp312-cp312-manylinux1_x86_64.manylinux_2_5_x86_64.whl
	// 1 library from usr/lib
}

func repairDemo() error {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := wheeltest.WriteLibs(dir, "usr/lib/libdep.so.3 elf x86_64 soname=libdep.so.3"); err != nil {
		return err
	}
	input := filepath.Join(dir, "demo-1.0-cp312-cp312-linux_x86_64.whl")
	content, err := wheeltest.Build(filepath.Base(input), "demo/_core.so elf x86_64 needed=libdep.so.3 export=PyInit__core")
	if err != nil {
		return err
	}
	if err := os.WriteFile(input, content, 0o644); err != nil {
		return err
	}

	r := repair.NewRepairer(repair.Options{Audit: audit.Options{Options: linkage.Options{Sysroot: dir}}})
	defer r.Close()
	result, err := r.Repair(context.Background(), input, filepath.Join(dir, "wheelhouse"))
	if err != nil {
		return err
	}
	fmt.Println(filepath.Base(result.Path))
	for _, g := range result.Plan.Grafts {
		from, err := filepath.Rel(dir, filepath.Dir(g.Source))
		if err != nil {
			return err
		}
		fmt.Println(len(result.Plan.Grafts), "library from", from)
	}
	return nil
}
