package pe_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/wheelmend/wheelmend/internal/petest"
	"github.com/wheelmend/wheelmend/pe"
)

// A library of the wheel gets a name of its own.
func ExampleFile_Edit() {
	image := petest.Build(petest.Spec{Imports: []petest.Import{{Name: "dep.dll", Symbols: []string{"f"}}}})
	f, err := pe.NewFile(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		panic(err)
	}
	edited, err := f.Edit(context.Background(), pe.ReplaceImport("dep.dll", "dep-1f2e3d4c.dll"))
	if err != nil {
		panic(err)
	}
	after, err := pe.NewFile(edited, edited.Size())
	if err != nil {
		panic(err)
	}
	imports, err := after.Imports()
	if err != nil {
		panic(err)
	}
	fmt.Println(imports[0].Name)
	// Output: dep-1f2e3d4c.dll
}
