package wheel_test

import (
	"fmt"

	"github.com/wheelmend/wheelmend/wheel"
)

func ExampleParseFilename() {
	name, err := wheel.ParseFilename("demo-1.0-1-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(name.Name, name.Version, name.Platform)
	fmt.Println(name.WithPlatforms([]string{"musllinux_1_2_x86_64"}))
	// Output:
	// demo 1.0 [manylinux2014_x86_64 manylinux_2_17_x86_64]
	// demo-1.0-1-cp312-cp312-musllinux_1_2_x86_64.whl
}
