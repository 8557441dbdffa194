package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// asUser runs do in a thread with the rights of another user on files
// (setfsuid(2)); the thread ends with it.
func asUser(t *testing.T, id int, do func() ([]string, error)) ([]string, error) {
	t.Helper()
	type result struct {
		lost []string
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread()
		if err := errors.Join(unix.Setfsgid(id), unix.Setfsuid(id)); err != nil {
			done <- result{nil, err}
			return
		}
		lost, err := do()
		done <- result{lost, err}
	}()
	r := <-done
	return r.lost, r.err
}

func TestReplaceOfAnothersFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make another's file")
	}
	const user = 4321
	dir := t.TempDir()
	from, err := os.Create(filepath.Join(dir, "old"))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(filepath.Join(dir, "new"))
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if err := errors.Join(from.Chown(1234, 5678), from.Chmod(0o755|os.ModeSetuid|os.ModeSetgid), to.Chown(user, user)); err != nil {
		t.Fatal(err)
	}
	lost, err := asUser(t, user, func() ([]string, error) { return keepAttributes(to, from) })
	if want := []string{"group", "owner"}; err != nil || !slices.Equal(lost, want) {
		t.Errorf("lost %q, %v; want %q", lost, err, want)
	}
	// Set-user-ID must not pass to another user.
	if info, err := to.Stat(); err != nil || info.Mode() != 0o755 {
		t.Errorf("mode is %v, %v; want 0755", info.Mode(), err)
	}
}
