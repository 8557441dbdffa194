//go:build !linux

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
)

// openUnnamed reports false: only Linux has files without a name that can get
// one later.
func openUnnamed(*os.Root, fs.FileMode) (*os.File, bool) { return nil, false }

// linkUnnamed is never reached.
func linkUnnamed(*os.File, *os.Root, string) (bool, error) { return false, errors.ErrUnsupported }
