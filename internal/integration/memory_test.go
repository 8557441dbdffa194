//go:build integration

package integration

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// peakMiB is what a repair of a wheel below 50 MB may take, in MiB.
const peakMiB = 150

// TestRepairTakesLittleMemory repairs the largest wheels of the lists below 50 MB,
// and one that gets a hundred libraries.
func TestRepairTakesLittleMemory(t *testing.T) {
	libraries := func(wheel string) string { return filepath.Join(filepath.Dir(wheel), "lib") }
	grafts := cached(t, "undelocated", "opencv_python_headless-*_arm64", "*.whl")
	for _, args := range [][]string{
		{"--search-path", libraries(grafts), grafts},
		{cached(t, "macos", "opencv_python_headless-*_arm64.whl")},
		{cached(t, "corpus", "scipy-*-manylinux*_x86_64.whl")},
		{cached(t, "corpus", "cmake-*-manylinux*_x86_64.whl")},
	} {
		wheel := args[len(args)-1]
		t.Run(filepath.Base(wheel), func(t *testing.T) {
			// This process has held wheels itself, which Linux would count
			// (see getrusage(2)); a small one starts the command.
			const starter = "import resource, subprocess, sys\n" +
				"subprocess.run(sys.argv[1:], check=True)\n" +
				"print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
			command := append([]string{"-c", starter, wheelmendPath, "repair", "-q", "--wheel-dir", t.TempDir()}, args...)
			said := strings.TrimSpace(run(t, nil, peer(t, "python"), command...).must(t).stdout)
			peak, err := strconv.Atoi(said[strings.LastIndexByte(said, '\n')+1:])
			if err != nil {
				t.Fatal(err)
			}
			if peak > peakMiB<<10 {
				t.Errorf("it takes %d MiB, want at most %d", peak>>10, peakMiB)
			}
			t.Logf("%d MiB", peak>>10)
		})
	}
}
