package macho_test

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/wheelmend/wheelmend/macho"
)

// An edited file is read back without being written.
func ExampleFile_Edit() {
	content, err := os.ReadFile("testdata/lld19-arm64-chained.so")
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := macho.NewFile(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		fmt.Println(err)
		return
	}
	edited, err := f.EditWith(context.Background(), macho.Options{FileName: "mod.so"}, macho.SetRPaths("@loader_path/lib"))
	if err != nil {
		fmt.Println(err)
		return
	}
	again, err := macho.NewFile(edited, edited.Size())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range again.Slices {
		fmt.Println(s.Arch, s.RPaths)
	}
	// Output: arm64 [@loader_path/lib]
}
