//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// TestWheelsSideBySide audits and verifies 60 wheels in one call, every seventh of which is
// broken: what is told, and in which order, is what single calls tell, whatever the number of
// jobs. A process may have 40 files open.
func TestWheelsSideBySide(t *testing.T) {
	limited := fewDescriptors(t)
	dir := t.TempDir()
	var wheels []string
	for i := range 60 {
		name := fmt.Sprintf("demo-1.%d-cp312-cp312-linux_x86_64.whl", i)
		image, err := wheeltest.Build(name, fmt.Sprintf("demo/_core.so elf x86_64 needed=libx%d.so.1,libc.so.6 export=PyInit__core\ndemo/data.bin bytes %d", i, 1000*(60-i)))
		if err != nil {
			t.Fatal(err)
		}
		if i%7 == 3 {
			image = image[:len(image)/2]
		}
		wheels = append(wheels, filepath.Join(dir, name))
		if err := os.WriteFile(wheels[i], image, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) (out, messages string) {
		var stdout, stderr bytes.Buffer
		cmd := limited(args...)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // it fails: some are broken
		return stdout.String(), stderr.String()
	}
	for _, command := range []string{"audit", "verify"} {
		var out, messages strings.Builder
		for _, w := range wheels[:12] {
			o, m := run(command, "--json", "-j", "1", w)
			out.WriteString(o)
			messages.WriteString(m)
		}
		if strings.Count(messages.String(), "\n") < 2 || strings.Count(out.String(), "\n") != 12 {
			t.Fatalf("%s: single calls tell\n%s%s", command, out.String(), messages.String())
		}
		for _, jobs := range []string{"1", "8"} {
			o, m := run(append([]string{command, "--json", "-j", jobs}, wheels[:12]...)...)
			if o != out.String() || m != messages.String() {
				t.Errorf("%s -j %s: one call tells\n%s%s\nsingle ones\n%s%s", command, jobs, o, m, out.String(), messages.String())
			}
		}
		one, oneMessages := run(append([]string{command, "-j", "1"}, wheels...)...)
		many, manyMessages := run(append([]string{command, "-j", "8"}, wheels...)...)
		if one != many || oneMessages != manyMessages {
			t.Errorf("%s: with 8 jobs, 60 wheels are told differently", command)
		}
		if strings.Contains(manyMessages, "too many open files") {
			t.Errorf("%s: %s", command, manyMessages)
		}
	}
}
