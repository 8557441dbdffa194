//go:build integration

package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// mutatedInstalls is how many of the repaired wheels are installed.
const mutatedInstalls = 120

// mutations is how many mutated wheels each wheel of mutants makes: WHEELMEND_MUTATIONS,
// or what makes 2,000 in all.
func mutations(t *testing.T) int {
	t.Helper()
	text := os.Getenv("WHEELMEND_MUTATIONS")
	if text == "" {
		return 125
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mutants are small wheels of well-known packages, with the flags of their repair. The
// first ones are repaired by copying libraries in, the others by what the flags ask for.
var mutants = []struct {
	of    []string // below the cache
	flags []string // LIB is the folder beside the wheel
}{
	{[]string{"raw", "psycopg2-*.whl"}, []string{"-z1", "--exclude", "lib[!p]*"}},
	{[]string{"undelocated", "psycopg2_binary-2.9.13-cp312-cp312-macosx_10_13_x86_64", "*.whl"}, []string{"--exclude", "libssl*", "--exclude", "libcrypto*", "--exclude", "libpq*"}},
	{[]string{"undelocated", "shapely-2.2.0-cp312-cp312-macosx_11_0_arm64", "*.whl"}, []string{"-z1", "--search-path", "LIB"}},
	{[]string{"macos", "kiwisolver-*_universal2.whl"}, []string{"--resign"}},
	{[]string{"macos", "kiwisolver-*_universal2.whl"}, nil},
	{[]string{"macos", "protobuf-*_universal2.whl"}, []string{"-z1", "--resign"}},
	{[]string{"corpus", "markupsafe-*_x86_64.whl"}, []string{"--strip"}},
	{[]string{"corpus", "markupsafe-*_armv7l.whl"}, nil},
	{[]string{"corpus", "markupsafe-*_riscv64.whl"}, []string{"--strip"}},
	{[]string{"corpus", "MarkupSafe-*-musllinux_1_2_i686.whl"}, []string{"--strip"}},
	{[]string{"corpus", "MarkupSafe-*-manylinux_2_5_i686*.whl"}, nil},
	{[]string{"corpus", "ujson-*.whl"}, []string{"--strip", "--clear-execstack"}},
	{[]string{"corpus", "cffi-*_s390x.whl"}, []string{"--strip"}},
	{[]string{"corpus", "cffi-*_ppc64le.whl"}, nil},
	{[]string{"corpus", "psutil-*.whl"}, []string{"--strip"}},
	{[]string{"corpus", "ninja-*.whl"}, []string{"-z1", "--strip"}},
}

// A mutated is one mutated wheel and what has become of it.
type mutated struct {
	name     string // which mutation of which wheel
	path     string
	flags    []string
	binary   bool   // what is mutated is an ELF or Mach-O file
	repaired string // "" if repair refused it
	faults   []string
}

// installMutated installs some of the results that differ, as on the machine that each is
// for: those of which the archive or its texts were mutated first, since installers do not
// look into binaries.
func installMutated(t *testing.T, published []*mutated) {
	t.Helper()
	var sample []*mutated
	var paths []string
	seen := map[string]bool{}
	for _, binary := range []bool{false, true} {
		for _, m := range published {
			b := string(readFile(t, m.repaired))
			if m.binary != binary || seen[b] || len(paths) == mutatedInstalls {
				continue
			}
			seen[b] = true
			sample, paths = append(sample, m), append(paths, m.repaired)
		}
	}
	for i, o := range installEach(t, paths, "--any-platform", "pip", "installer") {
		for name, one := range o {
			if one.Error != "" {
				t.Errorf("%s\n%s\n%s refuses what repair published: %s", sample[i].name, sample[i].repaired, name, one.Error)
			}
		}
	}
	t.Logf("%d of them are installed", len(sample))
}

func (m *mutated) errorf(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

// Whatever is wrong in a wheel: no command panics or hangs, a repair leaves a whole
// wheel or none, and that wheel passes verify, is not changed by another repair, and is
// installed by pip and by python -m installer.
func TestMutatedWheels(t *testing.T) {
	all := mutatedWheels(t)
	checkAll(t, all)
	var published []*mutated
	for _, m := range all {
		for _, fault := range m.faults {
			t.Errorf("%s\n%s\n%s", m.name, m.path, fault)
		}
		if m.repaired != "" {
			published = append(published, m)
		}
	}
	if len(published) < len(all)/10 || len(published) > len(all)*9/10 {
		t.Errorf("%d of %d are repaired: too few or too many to say something", len(published), len(all))
	}
	t.Logf("%d of %d are repaired", len(published), len(all))
	installMutated(t, published)
}

// mutatedWheels makes them all.
func mutatedWheels(t *testing.T) []*mutated {
	t.Helper()
	var all []*mutated
	for i, of := range mutants {
		source := newMutantSource(t, cached(t, of.of...))
		flags := slices.Clone(of.flags)
		if at := slices.Index(flags, "LIB"); at >= 0 {
			flags[at] = filepath.Join(filepath.Dir(source.path), "lib")
		}
		for n := range mutations(t) {
			r := rand.New(rand.NewPCG(uint64(i), uint64(n)))
			image, what := source.mutate(t, r)
			path := filepath.Join(t.TempDir(), filepath.Base(source.path))
			if err := os.WriteFile(path, image, 0o644); err != nil {
				t.Fatal(err)
			}
			binary := slices.ContainsFunc(source.binaries, func(name string) bool { return strings.HasPrefix(what, name+": ") })
			all = append(all, &mutated{binary: binary, name: fmt.Sprintf("%d/%d of %s: %s", i, n, filepath.Base(source.path), what), path: path, flags: flags})
		}
	}
	return all
}

// checkAll checks as many at once as there are processors.
func checkAll(t *testing.T, all []*mutated) {
	t.Helper()
	var wait sync.WaitGroup
	work := make(chan *mutated)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for m := range work {
				m.check(t.Context())
			}
		})
	}
	for _, m := range all {
		work <- m
	}
	close(work)
	wait.Wait()
}

// check runs the commands on a mutated wheel.
func (m *mutated) check(ctx context.Context) {
	m.command(ctx, "audit", "--json", m.path)
	m.command(ctx, "verify", m.path)
	out := filepath.Join(filepath.Dir(m.path), "out")
	r := m.command(ctx, append([]string{"repair", "-q", "-w", out, m.path}, m.flags...)...)
	left, err := os.ReadDir(out)
	switch {
	case err != nil && !errors.Is(err, os.ErrNotExist):
		m.errorf("%v", err)
	case r.code != 0 && len(left) > 0:
		m.errorf("repair refuses it and leaves %v", left)
	case r.code == 0 && len(left) != 1:
		m.errorf("repair leaves %v, want one wheel", left)
	case r.code == 0:
		m.repaired = filepath.Join(out, left[0].Name())
		m.checkRepaired(ctx)
	}
}

// checkRepaired holds what repair published to what it promises.
func (m *mutated) checkRepaired(ctx context.Context) {
	args := []string{"verify", m.repaired}
	for i, flag := range m.flags {
		if flag == "--exclude" {
			args = append(args, flag, m.flags[i+1])
		}
	}
	if r := m.command(ctx, args...); r.code != 0 {
		m.errorf("verify refuses what repair published:\n%s%s", r.stdout, r.stderr)
	}
	again := filepath.Join(filepath.Dir(m.path), "again")
	if r := m.command(ctx, append([]string{"repair", "-q", "-w", again, m.repaired}, m.flags...)...); r.code != 0 {
		m.errorf("what repair published is not repaired again:\n%s", r.stderr)
		return
	}
	first, err := os.ReadFile(m.repaired)
	second, err2 := os.ReadFile(filepath.Join(again, filepath.Base(m.repaired)))
	if err := errors.Join(err, err2); err != nil || !bytes.Equal(first, second) {
		m.errorf("another repair changes what repair published: %v", err)
	}
}

// command runs one command with a clock and a bound of memory.
func (m *mutated) command(ctx context.Context, args ...string) result {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, wheelmendPath, args...)
	cmd.Env = append(cleanEnviron(), "GOMAXPROCS=2")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := result{cmd.Args, stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	switch {
	case ctx.Err() != nil:
		m.errorf("%s does not end", args[0])
	case r.code != 0 && r.code != 1:
		m.errorf("%s: %v\n%s", args[0], err, r.stderr)
	case strings.Contains(r.stderr, "goroutine ") || strings.Contains(r.stderr, "defect"):
		m.errorf("%s: exit %d\n%s", args[0], r.code, r.stderr)
	case r.code == 1 && args[0] != "verify" && !strings.Contains(r.stderr, "wheelmend: error: "+filepath.Base(m.path)+": "):
		m.errorf("%s: exit 1, and says %q", args[0], r.stderr)
	}
	return r
}
