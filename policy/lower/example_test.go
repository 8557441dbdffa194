package lower_test

import (
	"fmt"

	"github.com/wheelmend/wheelmend/policy/lower"
)

// What glibc 2.34 moved from libpthread into libc is the same function under its older version.
func ExampleTable_Find() {
	rows := lower.For("x86_64").Find(lower.Symbol{Name: "pthread_create", Library: "libc.so.6", Version: "GLIBC_2.34"})
	fmt.Println(rows[0].Class, rows[0].To.Name, rows[0].To.Version, rows[0].To.Library)
	// Output: same pthread_create GLIBC_2.2.5 libpthread.so.0
}
