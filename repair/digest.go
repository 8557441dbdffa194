package repair

import (
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/wheelmend/wheelmend/wheel"
)

// fileDigest returns the SHA-256 of a library as it lies on the system, in
// lower-case hex.
func fileDigest(f wheel.Content) (string, error) {
	h := sha256.New()
	if _, err := io.CopyBuffer(h, io.NewSectionReader(f, 0, f.Size()), make([]byte, 1<<20)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
