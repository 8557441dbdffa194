// Package order sorts slices of large elements with code that all types share. The generic
// functions of package slices are compiled anew for each type, some 20 kB of program a type;
// they stay where sorting has to be fast.
package order

import "sort"

// Stable sorts a slice by a comparison, as slices.SortStableFunc does.
func Stable[T any](s []T, compare func(a, b T) int) {
	sort.SliceStable(s, func(i, j int) bool { return compare(s[i], s[j]) < 0 })
}
