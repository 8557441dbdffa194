package machotest

import (
	"bytes"
	"io"
	"testing"
)

func TestWriteMakesWhatBuildMakes(t *testing.T) {
	for _, text := range []string{"arch=arm64 size=70000 loads=/opt/a.dylib rpaths=/opt", "arch=i386 id=b.dylib pad=0"} {
		spec, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := Write(&got, spec.Slices[0], bytes.NewReader(make([]byte, 70000))); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), Build(spec)) {
			t.Errorf("%s: other bytes than those of Build", text)
		}
		spec.Slices[0].Size = 80000
		if err := Write(io.Discard, spec.Slices[0], bytes.NewReader(make([]byte, 70000))); err == nil {
			t.Errorf("%s: no error for a text that ends too early", text)
		}
	}
}
