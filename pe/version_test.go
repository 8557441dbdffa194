package pe

import (
	"testing"

	"github.com/wheelmend/wheelmend/internal/petest"
)

func TestFileVersion(t *testing.T) {
	for _, tt := range []struct {
		minor uint16
		want  Version
	}{{0, Version{}}, {44, Version{Major: 14, Minor: 44}}} {
		f := open(t, petest.Build(petest.Spec{Version: tt.minor}))
		got, err := f.FileVersion()
		if err != nil || got != tt.want {
			t.Errorf("version of a file of 14.%d: %v, %v, want %v", tt.minor, got, err, tt.want)
		}
	}
}
