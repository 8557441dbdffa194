package sbom

import (
	"errors"
	"fmt"
	"io"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// A health is what is wrong with a database file: the first of each.
type health struct {
	damage string // what breaks its format
	err    error  // of the disk
}

func (h *health) broken(format string, args ...any) {
	if h.damage == "" {
		h.damage = fmt.Sprintf(format, args...)
	}
}

// failed tells a file that ends too early from one that cannot be read.
func (h *health) failed(err error) {
	var short *binread.ShortError
	switch {
	case errors.As(err, &short) || err == io.EOF || err == io.ErrUnexpectedEOF:
		h.broken("it ends too early")
	case h.err == nil:
		h.err = err
	}
}
