package overlay

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback asks the kernel to send a range to the disk now, so that a sync at
// the end finds little to wait for. It is a hint: what it says of errors, the sync
// says again.
func startWriteback(f *os.File, off, n int64) {
	c, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = c.Control(func(fd uintptr) {
		_ = unix.SyncFileRange(int(fd), off, n, unix.SYNC_FILE_RANGE_WRITE)
	})
}
