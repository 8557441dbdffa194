package linkage

import (
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/internal/rootfs"
)

// macPath returns the path within a root of the file that a name stands for on a
// Mac, whose volumes as a rule do not tell upper from lower case. What is spelled as
// it is on disk comes first.
func (d *machoDisk) macPath(root Root, name string) (string, error) {
	real, err := root.resolve(name)
	if err == nil || !rootfs.IsMissing(err) {
		return real, err
	}
	done := "/"
	for part := range strings.SplitSeq(strings.Trim(path.Clean("/"+name), "/"), "/") {
		next := path.Join(done, part)
		if at, err := root.resolve(next); err == nil {
			done = at
			continue
		}
		if part = d.spelled(root, done, part); part == "" {
			return real, err
		}
		at, err := root.resolve(path.Join(done, part))
		if err != nil {
			return real, err
		}
		done = at
	}
	return done, nil
}

// spelled returns the one name in a directory that differs from a name in upper and
// lower case alone, "" if there is none.
func (d *machoDisk) spelled(root Root, dir, name string) string {
	key := root.dir + "\x00" + dir
	known, ok := d.spellings[key]
	if !ok {
		known = map[string]string{}
		entries, err := root.fs().ReadDir(dir)
		if err != nil && d.err == nil {
			d.err = unlessPassedOver(err)
		}
		if err != nil {
			known = nil
		}
		for _, e := range entries {
			lower := strings.ToLower(e.Name())
			if _, twice := known[lower]; twice {
				known[lower] = "" // the volume tells them apart
			} else {
				known[lower] = e.Name()
			}
		}
		d.spellings[key] = known
	}
	return known[strings.ToLower(name)]
}
