//go:build integration && linux

package integration

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/wheelmend/wheelmend/internal/hostiletest"
)

// What a command may take for a wheel of any shape (docs/limits.md).
const (
	costSeconds = 10  // of the processors
	costMemory  = 512 // MiB in memory at a time
	costOutput  = 4   // MiB that are written to a terminal
	costJSON    = 16  // MiB of a document

	// costReserved is what a program of Go 1.26 reserves and does not use, in MiB: with
	// less than some 780 none starts, and with 1200 it reserves 512 at once and has none
	// left for its first block.
	costReserved = 1280
	costAddress  = costReserved + costMemory
)

// A cost is what a command took.
type cost struct {
	CPU    float64 // seconds
	Memory int64   // bytes
	Output int64   // bytes
	Exit   int
	Said   string // the end of stderr
}

// starterVariable has the test binary start a command and say what it cost: Linux
// counts what a process held before it started another one (getrusage(2)), so a
// small one has to.
const starterVariable = "WHEELMEND_TEST_STARTER"

func init() {
	if os.Getenv(starterVariable) == "" {
		return
	}
	c, err := startMeasured(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = json.NewEncoder(os.Stdout).Encode(c)
	os.Exit(0)
}

// startMeasured runs a command within the limits of the kernel.
func startMeasured(name string, args []string) (cost, error) {
	for what, limit := range map[int]uint64{syscall.RLIMIT_AS: costAddress << 20, syscall.RLIMIT_CPU: 3 * costSeconds} {
		if err := syscall.Setrlimit(what, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return cost{}, err
		}
	}
	var out, said counter
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return cost{}, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return cost{cpu.Seconds(), usage.Maxrss << 10, out.n + said.n, cmd.ProcessState.ExitCode(), string(said.last)}, nil
}

// A counter counts what is written, and keeps the end.
type counter struct {
	n    int64
	last []byte
}

func (c *counter) Write(p []byte) (int, error) {
	const kept = 600
	c.n += int64(len(p))
	c.last = append(c.last, p[max(0, len(p)-kept):]...)
	c.last = c.last[max(0, len(c.last)-kept):]
	return len(p), nil
}

// measure runs the command under test.
func measure(t *testing.T, args ...string) cost {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{wheelmendPath}, args...)...)
	cmd.Env = append(cleanEnviron(), starterVariable+"=1")
	cmd.Stderr = os.Stderr
	data, err := cmd.Output()
	var c cost
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, data)
	}
	return c
}

// hostileCommands are what is measured at each size of a shape, and the more formats
// at the last one that no limit refuses.
var (
	hostileCommands = [][]string{{"audit"}, {"verify"}, {"repair", "--quiet"}, {"tree"}}
	hostileFormats  = [][]string{{"audit", "--json"}, {"verify", "--json"}, {"tree", "--json"}, {"tree", "--format=dot"}}
)

// TestHostileShapesCostLittle holds every command to its bounds on wheels that are
// made to be dear, and has the cost grow no faster than the wheel does, unless a limit
// refuses what is larger.
func TestHostileShapesCostLittle(t *testing.T) {
	shapes := hostiletest.Shapes()
	if len(shapes) < 60 {
		t.Errorf("%d shapes, want at least 60", len(shapes))
	}
	for _, shape := range shapes {
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			wheels := make([]string, len(shape.Sizes))
			for i, n := range shape.Sizes {
				wheels[i] = hostileWheel(t, &shape, n)
			}
			for _, command := range hostileCommands {
				checkGrowth(t, &shape, wheels, command)
			}
			checkFormats(t, wheels)
			if shape.Over > 0 {
				checkOver(t, hostileWheel(t, &shape, shape.Over))
			}
		})
	}
}

// checkFormats measures the formats on the largest wheel that no limit refuses.
func checkFormats(t *testing.T, wheels []string) {
	t.Helper()
	for _, wheel := range slices.Backward(wheels) {
		if c := measureCommand(t, wheel, []string{"audit"}); c.limited() {
			continue
		}
		for _, command := range hostileFormats {
			measureWithin(t, wheel, command)
		}
		return
	}
	t.Error("a limit refuses every size, so that the shape says nothing")
}

// checkOver has verify refuse a wheel, and every other command that reads what is too large.
func checkOver(t *testing.T, wheel string) {
	t.Helper()
	const little = 1 // seconds
	for _, command := range hostileCommands {
		c := measureWithin(t, wheel, command)
		if c.Exit == 0 && (command[0] == "verify" || c.CPU > little) {
			t.Errorf("%v beyond the limit: exit 0 after %.1f s, want a refusal", command, c.CPU)
		}
	}
}

// limited reports whether a limit ended the command.
func (c *cost) limited() bool {
	return c.Exit == 1 && (strings.Contains(c.Said, "more than ") || strings.Contains(c.Said, " are accepted"))
}

// hostileWheel makes a shape at a size.
func hostileWheel(t *testing.T, shape *hostiletest.Shape, n int) string {
	t.Helper()
	name, content, err := shape.Build(n)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), fmt.Sprint(n))
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	wheel := filepath.Join(dir, name)
	if err := os.WriteFile(wheel, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return wheel
}

// measureCommand runs a command on a wheel, and leaves nothing behind.
func measureCommand(t *testing.T, wheel string, command []string) cost {
	t.Helper()
	args := append(slices.Clone(command), wheel)
	if command[0] == "repair" {
		out := filepath.Join(filepath.Dir(wheel), "out")
		defer os.RemoveAll(out)
		args = append(args, "--wheel-dir", out)
	}
	return measure(t, args...)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line[:min(len(line), 300)]
}

// measureWithin measures a command and holds it to the bounds. What is beyond them is
// measured once more: the machine may have been busy.
func measureWithin(t *testing.T, wheel string, command []string) cost {
	t.Helper()
	c := measureCommand(t, wheel, command)
	if c.CPU > costSeconds {
		c = measureCommand(t, wheel, command)
	}
	what := strings.Join(command, " ") + " of " + filepath.Base(filepath.Dir(wheel))
	t.Logf("%s: %.2f s, %d MiB, %d KiB written, exit %d: %s", what, c.CPU, c.Memory>>20, c.Output>>10, c.Exit, firstLine(c.Said))
	most := int64(costOutput)
	if slices.Contains(command, "--json") {
		most = costJSON
	}
	switch {
	case c.CPU > costSeconds:
		t.Errorf("%s takes %.1f s, want at most %d", what, c.CPU, costSeconds)
	case c.Memory > costMemory<<20:
		t.Errorf("%s takes %d MiB, want at most %d", what, c.Memory>>20, costMemory)
	case c.Output > most<<20:
		t.Errorf("%s writes %d KiB, want at most %d MiB", what, c.Output>>10, most)
	case c.Exit != 0 && c.Exit != 1:
		t.Errorf("%s: exit %d\n%s", what, c.Exit, c.Said)
	case strings.Contains(c.Said, "goroutine "):
		t.Errorf("%s: a panic\n%s", what, c.Said)
	}
	return c
}

// checkGrowth measures a command at three sizes, each the double of the one before:
// what is quadratic takes 16 times as long at the last as at the first. What takes
// next to nothing says nothing, and a limit is the other way to bound it. Where the bytes
// of the wheel grow faster than its number, as n libraries that name n do, it is theirs
// that count.
func checkGrowth(t *testing.T, shape *hostiletest.Shape, wheels []string, command []string) {
	t.Helper()
	const noise, start, most = 0.3, 0.02, 2 // seconds, seconds, times
	bytes := max(4, unpackedSize(t, wheels[2])/unpackedSize(t, wheels[0]))
	var c [3]cost
	for i, wheel := range wheels {
		c[i] = measureWithin(t, wheel, command)
	}
	grows := func() bool {
		first, last := max(c[0].CPU-start, 0.01), c[2].CPU-start
		return last > noise && last/first > most*float64(bytes)
	}
	if c[2].limited() || !grows() {
		return
	}
	for i, wheel := range wheels {
		c[i].CPU = min(c[i].CPU, measureCommand(t, wheel, command).CPU)
	}
	if grows() {
		t.Errorf("%s: %.2f, %.2f and %.2f s for the sizes %v, which grows faster than n log n", strings.Join(command, " "), c[0].CPU, c[1].CPU, c[2].CPU, shape.Sizes)
	}
}

// unpackedSize returns how many bytes a wheel has once it is installed.
func unpackedSize(t *testing.T, wheel string) (n int64) {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		n += int64(f.UncompressedSize64)
	}
	return n
}
