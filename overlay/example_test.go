package overlay_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/wheelmend/wheelmend/overlay"
)

// An edit keeps what is new, and reads the rest from the original.
func ExampleBuilder() {
	b := overlay.NewBuilder(strings.NewReader("DT_RPATH /build/lib\n"))
	b.Original(0, 9)
	b.Bytes([]byte("$ORIGIN"))
	b.Original(19, 1)
	edited := b.Overlay(true)
	text, err := io.ReadAll(io.NewSectionReader(edited, 0, edited.Size()))
	if err != nil {
		panic(err)
	}
	fmt.Print(string(text))
	// Output: DT_RPATH $ORIGIN
}
