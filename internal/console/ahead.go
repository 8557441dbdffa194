package console

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/internal/jobs"
)

// mostAhead is how many wheels are worked on at a time. Each has its contents in memory, and
// files open; what is done inside of a wheel has the other processors.
const mostAhead = 3

// A Turn is what the first step of a wheel may use.
type Turn struct {
	Jobs     int                     // at once, inside of the wheel
	Progress func(done, total int64) // of reading it
}

// EachAhead is [Console.EachWheel] in two steps. begin does what takes time, for some wheels
// at once; end takes what it made, closes it, and tells the result, one wheel after the
// other in the order of the arguments.
func EachAhead[T interface{ Close() error }](ctx context.Context, c *Console, wheels []string, n int, begin func(context.Context, string, Turn) T, end func(string, T) error) error {
	paths := InDirectories(wheels)
	many := max(min(jobs.Count(n), len(paths), mostAhead), 1)
	a := &ahead[T]{bar: c.NewProgress(), begin: begin, jobs: (jobs.Count(n) + many - 1) / many, slots: make(chan struct{}, many)}
	for range paths {
		a.made = append(a.made, make(chan T, 1))
	}
	inner, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.run(inner, paths)
	}()
	next := 0
	err := c.EachArgument(ctx, paths, filepath.Base, func(path string) error {
		a.bar.Begin(filepath.Base(path))
		a.current.Store(int64(next))
		got, ok := <-a.made[next]
		a.bar.End()
		if next++; !ok {
			return context.Cause(ctx)
		}
		defer func() { <-a.slots }()
		return end(path, got)
	})
	cancel()
	<-done
	for _, rest := range a.made[next:] { // of an interrupted run
		if got, ok := <-rest; ok {
			err = errors.Join(err, got.Close())
		}
	}
	return err
}

// An ahead has wheels of which the first step is done, or being done.
type ahead[T any] struct {
	begin   func(context.Context, string, Turn) T
	jobs    int
	bar     *Progress
	current atomic.Int64  // the wheel whose turn it is
	slots   chan struct{} // taken for each wheel that is begun and not ended
	made    []chan T      // closed without a value for a wheel that is not begun
}

// run begins one wheel after the other, as soon as there is a slot.
func (a *ahead[T]) run(ctx context.Context, paths []string) {
	phase := a.bar.Phase(Reading)
	for i, path := range paths {
		select {
		case a.slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			for _, c := range a.made[i:] {
				close(c)
			}
			return
		}
		turn := Turn{Jobs: a.jobs, Progress: func(done, total int64) {
			if a.current.Load() == int64(i) {
				phase(done, total)
			}
		}}
		go func() { a.made[i] <- a.begin(ctx, path, turn) }()
	}
}
