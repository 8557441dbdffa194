package atomicfile

import (
	"io/fs"
	"os"
)

// Replace writes the file at path anew, as [Write] does, and gives it what old,
// the file that has the name so far, has besides contents: permissions, owner,
// group and extended attributes. It returns what could not be kept because this
// process may not set it; the set-user-ID and set-group-ID bits go with their
// owner and group.
func Replace(path string, old *os.File, fill, check func(*os.File) error) (lost []string, err error) {
	err = Write(path, 0o600, func(f *os.File) (err error) {
		if err := fill(f); err != nil {
			return err
		}
		// Last, since writing takes capabilities and set-user-ID away.
		lost, err = keepAttributes(f, old)
		return err
	}, check)
	return lost, err
}

// modeBits are what chmod(2) sets.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
