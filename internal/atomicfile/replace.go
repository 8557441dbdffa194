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
	err = Write(path, 0o600, keeping(old, fill, &lost), check)
	return lost, err
}

// ReplaceIn is [Replace] for a file below a directory, and out of it as little as
// [WriteIn].
func ReplaceIn(root *os.Root, name string, old *os.File, fill, check func(*os.File) error) (lost []string, err error) {
	err = WriteIn(root, name, 0o600, keeping(old, fill, &lost), check)
	return lost, err
}

// keeping fills a file and gives it the attributes of old.
func keeping(old *os.File, fill func(*os.File) error, lost *[]string) func(*os.File) error {
	return func(f *os.File) (err error) {
		if err := fill(f); err != nil {
			return err
		}
		// Last, since writing takes capabilities and set-user-ID away.
		*lost, err = keepAttributes(f, old)
		return err
	}
}

// Keep gives a complete file what another has besides contents, as [Replace] does.
func Keep(to, from *os.File) (lost []string, err error) { return keepAttributes(to, from) }

// modeBits are what chmod(2) sets.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
