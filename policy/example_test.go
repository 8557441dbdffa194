package policy_test

import (
	"fmt"

	"github.com/wheelmend/wheelmend/policy"
)

// The oldest system on which a wheel runs that needs these versions and this
// library.
func ExampleFor() {
	versions := []string{"GLIBC_2.14", "GLIBC_2.2.5", "CXXABI_1.3.9"}
	for _, p := range policy.For(policy.GLIBC, policy.X86_64) {
		met := p.AllowsLibrary("libstdc++.so.6")
		for _, v := range versions {
			met = met && p.AllowsVersion(v)
		}
		if met {
			fmt.Println(p.Tag())
			break
		}
	}
	// Output: manylinux_2_24_x86_64
}

func ExampleLookup() {
	p, err := policy.Lookup("manylinux2014_aarch64")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Tags())

	_, err = policy.Lookup("musllinux_1_0_ppc64")
	fmt.Println(err)
	// Output:
	// [manylinux_2_17_aarch64 manylinux2014_aarch64]
	// no policy for platform tag "musllinux_1_0_ppc64"; ppc64 has manylinux_2_17, manylinux2014
}
