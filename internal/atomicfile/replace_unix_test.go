//go:build linux || darwin

package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// replace writes text into the file at path and returns what was lost.
func replace(t *testing.T, path, text string) []string {
	t.Helper()
	old, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	lost, err := Replace(path, old, writeText(text), nil)
	if err != nil {
		t.Fatalf("Replace: %v", err)
	}
	return lost
}

func TestReplaceKeepsAttributes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 300)
	for name, v := range map[string][]byte{"user.note": []byte("kept"), "user.empty": nil, "user.long": value} {
		if err := unix.Setxattr(path, name, v, 0); errors.Is(err, unix.ENOTSUP) {
			t.Skip("this file system has no extended attributes")
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 1234, 5678); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o751|os.ModeSetuid|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	was, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if lost := replace(t, path, "new"); len(lost) > 0 {
		t.Errorf("lost %q", lost)
	}
	only(t, dir, map[string]string{"f": "new"})
	now, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if now.Mode() != was.Mode() {
		t.Errorf("mode is %v, was %v", now.Mode(), was.Mode())
	}
	before, after := was.Sys().(*syscall.Stat_t), now.Sys().(*syscall.Stat_t)
	if before.Uid != after.Uid || before.Gid != after.Gid {
		t.Errorf("owner is %d:%d, was %d:%d", after.Uid, after.Gid, before.Uid, before.Gid)
	}
	for name, want := range map[string]int{"user.note": 4, "user.empty": 0, "user.long": len(value)} {
		buf := make([]byte, 512)
		if n, err := unix.Getxattr(path, name, buf); err != nil || n != want {
			t.Errorf("%s has %d bytes, %v; want %d", name, n, err, want)
		}
	}
}

// TestReplaceKeepsCapabilities needs root: only it may set them.
func TestReplaceKeepsCapabilities(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("old"), 0o755); err != nil {
		t.Fatal(err)
	}
	// struct vfs_cap_data, revision 2: cap_net_raw, permitted and effective.
	capability := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := unix.Setxattr(path, "security.capability", capability, 0); err != nil {
		t.Skipf("file capabilities: %v", err)
	}
	if lost := replace(t, path, "new"); len(lost) > 0 {
		t.Errorf("lost %q", lost)
	}
	buf := make([]byte, 64)
	if n, err := unix.Getxattr(path, "security.capability", buf); err != nil || !slices.Equal(buf[:n], capability) {
		t.Errorf("capabilities are %x, %v; want %x", buf[:max(n, 0)], err, capability)
	}
}
