package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// demoWheels are the wheels of testdata/macos.
var demoWheels = map[string]string{
	"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl":   "demo/_core.so  macho arch=arm64 type=bundle minos=11.0 loads=/opt/lib/libdemo.dylib",
	"demo-1.0-cp312-cp312-macosx_10_13_x86_64.whl": "demo/_core.so  macho arch=x86_64 type=bundle minos=10.13 loads=/opt/lib/libdemo.dylib",
}

// TestDemoWheels holds the wheels that the documents use to what they are made of.
func TestDemoWheels(t *testing.T) {
	for name, spec := range demoWheels {
		want, err := wheeltest.Build(name, spec)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("..", "..", "testdata", "macos", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what it is made of (%v): go test ./cmd/wheelmend -run TestDemoWheels -update", path, err)
		}
	}
}
