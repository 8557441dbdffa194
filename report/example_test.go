package report_test

import (
	"fmt"

	"github.com/wheelmend/wheelmend/report"
)

// A name from a wheel is data, whatever a terminal would make of it.
func ExampleClean() {
	fmt.Println(report.Clean("demo/\x1b[31m_core.so"))
	// Output: demo/\x1b[31m_core.so
}
