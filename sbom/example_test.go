package sbom_test

import (
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/sbom"
)

func ExampleEncode() {
	bill, err := sbom.Encode(
		sbom.Wheel{Name: "demo", Version: "1.0", Filename: "demo-1.0-py3-none-linux_x86_64.whl"},
		[]sbom.Graft{{Member: "demo.libs/libdep-0123abcd.so", SHA256: strings.Repeat("0", 64), Soname: "libdep.so"}},
		sbom.Tool{Name: "example", Version: "1"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Contains(string(bill), `"specVersion": "1.6"`), strings.Contains(string(bill), "demo.libs/libdep-0123abcd.so"))
	// Output: true true
}
