//go:build integration && linux

package integration

import (
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
	costSeconds = 10   // of the processors
	costMemory  = 512  // MiB in memory at a time
	costAddress = 8192 // MiB of addresses: Go reserves more than it uses
	costOutput  = 4    // MiB that are written to a terminal
	costJSON    = 32   // MiB of a document: its texts, and what escapes add
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
// at the last one.
var (
	hostileCommands = [][]string{{"audit"}, {"verify"}, {"repair", "--quiet"}, {"tree"}}
	hostileFormats  = [][]string{{"audit", "--json"}, {"verify", "--json"}, {"tree", "--json"}, {"tree", "--format=dot"}}
)

// TestHostileShapesCostLittle holds every command to its bounds on wheels that are
// made to be dear, and has the cost grow no faster than the wheel does.
//
// It is asked for by WHEELMEND_HOSTILE=1: some shapes still cost more than they may, see
// the end of docs/limits.md.
func TestHostileShapesCostLittle(t *testing.T) {
	if os.Getenv("WHEELMEND_HOSTILE") == "" {
		t.Skip("WHEELMEND_HOSTILE is not set; some shapes still cost more than they may")
	}
	for _, shape := range hostiletest.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			costs := map[string][]cost{}
			for i, n := range shape.Sizes {
				commands := hostileCommands
				if i == len(shape.Sizes)-1 {
					commands = slices.Concat(hostileCommands, hostileFormats)
				}
				wheel := hostileWheel(t, &shape, n)
				for _, command := range commands {
					c := measureCommand(t, wheel, command)
					what := strings.Join(command, " ")
					costs[what] = append(costs[what], c)
					t.Logf("%d %s: %.2f s, %d MiB, %d KiB written, exit %d: %s", n, what, c.CPU, c.Memory>>20, c.Output>>10, c.Exit, firstLine(c.Said))
					checkCost(t, fmt.Sprintf("%s at %d", what, n), c)
				}
			}
			for _, command := range hostileCommands {
				what := strings.Join(command, " ")
				checkGrowth(t, what, costs[what])
			}
		})
	}
}

// hostileWheel makes a shape at a size.
func hostileWheel(t *testing.T, shape *hostiletest.Shape, n int) string {
	t.Helper()
	name, content, err := shape.Build(n)
	if err != nil {
		t.Fatal(err)
	}
	wheel := filepath.Join(t.TempDir(), name)
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

func checkCost(t *testing.T, what string, c cost) {
	t.Helper()
	most := int64(costOutput)
	if strings.Contains(what, "--json") {
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
}

// checkGrowth compares the cost at three sizes, each the double of the one before:
// what is quadratic takes 16 times as long at the last as at the first. What takes
// next to nothing does not count.
func checkGrowth(t *testing.T, command string, c []cost) {
	t.Helper()
	const noise, start, most = 0.5, 0.03, 8 // seconds, seconds, times
	first, last := max(c[0].CPU-start, 0.01), c[2].CPU-start
	if last > noise && last/first > most && c[2].Exit == c[0].Exit {
		t.Errorf("%s: %.2f, %.2f and %.2f s for sizes that double, which grows faster than n log n", command, c[0].CPU, c[1].CPU, c[2].CPU)
	}
}
