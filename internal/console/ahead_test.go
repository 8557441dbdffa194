package console

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// A work is the first step of a wheel that does nothing but count.
type work struct {
	name string
	open *atomic.Int64
}

func (w work) Close() error { w.open.Add(-1); return nil }

func TestEachAheadKeepsTheOrder(t *testing.T) {
	var stderr bytes.Buffer
	c := New(Environment{Stdout: &bytes.Buffer{}, Stderr: &stderr, Getenv: func(string) string { return "" }}, "test")
	var wheels []string
	for i := range 100 {
		wheels = append(wheels, fmt.Sprintf("w%d.whl", i))
	}
	for _, jobs := range []int{1, 2, 3, 16} {
		var open, most atomic.Int64
		var got []string
		err := EachAhead(t.Context(), c, wheels, jobs, func(_ context.Context, path string, turn Turn) work {
			now := open.Add(1)
			for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
			}
			if turn.Jobs < 1 || turn.Jobs > jobs {
				t.Errorf("a wheel of %d jobs gets %d", jobs, turn.Jobs)
			}
			return work{path, &open}
		}, func(path string, w work) error {
			defer w.Close()
			if got = append(got, w.name); w.name != path {
				t.Errorf("%s gets what was made of %s", path, w.name)
			}
			if path == "w7.whl" {
				return errors.New("broken")
			}
			return nil
		})
		if !errors.Is(err, ErrFailed) || !slices.Equal(got, wheels) {
			t.Errorf("%d jobs: %v, in the order %q", jobs, err, got)
		}
		if open.Load() != 0 || most.Load() > int64(min(jobs, mostAhead)) {
			t.Errorf("%d jobs: %d are still open, %d were at a time", jobs, open.Load(), most.Load())
		}
	}
	if n := strings.Count(stderr.String(), "broken"); n != 4 {
		t.Errorf("the failure is told %d times, want once for each run:\n%s", n, &stderr)
	}
}

func TestEachAheadEndsWhenInterrupted(t *testing.T) {
	c := New(Environment{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Getenv: func(string) string { return "" }}, "test")
	ctx, cancel := context.WithCancel(t.Context())
	var open, begun atomic.Int64
	wheels := slices.Repeat([]string{"w.whl"}, 50)
	ended := 0
	err := EachAhead(ctx, c, wheels, 3, func(context.Context, string, Turn) work {
		open.Add(1)
		begun.Add(1)
		return work{"", &open}
	}, func(_ string, w work) error {
		defer w.Close()
		if ended++; ended == 5 {
			cancel()
			return ctx.Err()
		}
		return nil
	})
	if !errors.Is(err, ErrFailed) || ended != 5 || open.Load() != 0 || begun.Load() > 10 {
		t.Errorf("%v after %d wheels; %d were begun, %d are still open", err, ended, begun.Load(), open.Load())
	}
}
