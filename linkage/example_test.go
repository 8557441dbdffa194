package linkage_test

import (
	"fmt"

	"github.com/wheelmend/wheelmend/linkage"
)

// What a pattern of --exclude matches is what Python's fnmatch says.
func ExampleMatchPattern() {
	for _, name := range []string{"libcuda.so.1", "libcudart.so.12", "libxyz.so"} {
		fmt.Println(name, linkage.MatchPattern("lib[!x]*.so.1", name))
	}
	// Output:
	// libcuda.so.1 true
	// libcudart.so.12 false
	// libxyz.so false
}

// The way from one member of a wheel to another one, once both are installed.
func ExampleRelativeDir() {
	fmt.Println("$ORIGIN/" + linkage.RelativeDir("demo/sub/_core.so", "demo.libs/libdep.so"))
	fmt.Println("$ORIGIN/" + linkage.RelativeDir("demo-1.0.data/scripts/tool", "demo-1.0.data/data/lib/demo.libs/libdep.so"))
	// Output:
	// $ORIGIN/../../demo.libs
	// $ORIGIN/../lib/demo.libs
}
