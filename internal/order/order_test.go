package order

import (
	"cmp"
	"slices"
	"testing"
)

func TestStableIsThatOfSlices(t *testing.T) {
	type pair struct{ key, place int }
	for n := range 200 {
		var all []pair
		for i := range n {
			all = append(all, pair{i * 7919 % 13, i})
		}
		byKey := func(a, b pair) int { return cmp.Compare(a.key, b.key) }
		want := slices.Clone(all)
		slices.SortStableFunc(want, byKey)
		if Stable(all, byKey); !slices.Equal(all, want) {
			t.Fatalf("%d elements: got %v, want %v", n, all, want)
		}
	}
}
