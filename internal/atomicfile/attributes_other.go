//go:build !linux && !darwin

package atomicfile

import "os"

// keepAttributes gives to the permissions of from.
func keepAttributes(to, from *os.File) (lost []string, err error) {
	info, err := from.Stat()
	if err != nil {
		return nil, err
	}
	return nil, os.Chmod(to.Name(), info.Mode()&modeBits)
}
