package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// What a wheel meets as it stands, and what keeps it from an older system.
func ExampleOpen() {
	if err := report(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// manylinux_2_17_x86_64
	// demo/_core.so: GLIBC_2.14 is newer than manylinux_2_12 promises
}

func report() (err error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "demo-1.0-cp312-cp312-linux_x86_64.whl")
	content, err := wheeltest.Build(filepath.Base(name), "demo/_core.so elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14:libc.so.6 export=PyInit__core")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		return err
	}

	ctx := context.Background()
	contents, err := audit.Open(ctx, name, audit.LoadOptions{})
	if err != nil {
		return err
	}
	defer contents.Close()
	rep, err := audit.Assess(ctx, contents, audit.Options{Options: linkage.Options{WheelOnly: true}})
	if err != nil {
		return err
	}
	defer rep.Close()
	fmt.Println(rep.Tag())
	older, err := policy.ParsePlatform("manylinux2010_x86_64")
	if err != nil {
		return err
	}
	verdict := rep.Judge(older)
	for _, b := range verdict.Blockers {
		fmt.Printf("%s: %s\n", b.File, b.Reason)
	}
	return nil
}
