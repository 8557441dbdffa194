package elf

import "sync"

// A once is a fact of a file that is read when it is first asked for, and kept.
type once[T any] struct {
	sync.Once
	fact T
	err  error
}

func (o *once[T]) get(read func() (T, error)) (T, error) {
	o.Do(func() { o.fact, o.err = read() })
	return o.fact, o.err
}
