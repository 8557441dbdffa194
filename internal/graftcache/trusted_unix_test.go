//go:build unix

package graftcache

import "testing"

func TestOwned(t *testing.T) {
	for _, tt := range []struct {
		owner, user int
		want        bool
	}{{1000, 1000, true}, {0, 1000, true}, {1000, 0, true}, {1000, 1001, false}} {
		if got := owned(tt.owner, tt.user); got != tt.want {
			t.Errorf("user %d, folder of %d: %v, want %v", tt.user, tt.owner, got, tt.want)
		}
	}
}
