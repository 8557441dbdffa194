//go:build !linux

package overlay

import "os"

func startWriteback(*os.File, int64, int64) {}
