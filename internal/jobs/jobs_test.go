package jobs

import (
	"runtime"
	"testing"
)

func TestCount(t *testing.T) {
	all := runtime.GOMAXPROCS(0)
	for asked, want := range map[int]int{-1: all, 0: all, 1: 1, 7: 7} {
		if got := Count(asked); got != want {
			t.Errorf("Count(%d) = %d, want %d", asked, got, want)
		}
	}
}
