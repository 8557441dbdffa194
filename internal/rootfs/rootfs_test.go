//go:build unix

package rootfs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/internal/steady"
)

// system makes a sysroot beside a directory that nothing of it may reach.
func system(t *testing.T) (FS, string) {
	t.Helper()
	top := t.TempDir()
	for name, text := range map[string]string{"secret": "of the host", "root/usr/lib/libx.so": "x", "root/etc/conf": "inside"} {
		path := filepath.Join(top, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return FS{Dir: filepath.ToSlash(filepath.Join(top, "root"))}, top
}

func link(t *testing.T, f FS, name, target string) {
	t.Helper()
	if err := os.Symlink(target, f.Dir+name); err != nil {
		t.Fatal(err)
	}
}

func TestLinksStayWithin(t *testing.T) {
	f, top := system(t)
	link(t, f, "/lib", "usr/lib")
	link(t, f, "/abs", "/usr/lib/libx.so")
	link(t, f, "/dots", "../../../../../../../../etc/conf")
	link(t, f, "/out", filepath.Join(top, "secret"))
	link(t, f, "/up", "../secret")
	link(t, f, "/etc/dir", "/")
	link(t, f, "/loop", "loop")
	for _, tt := range []struct{ name, want, text string }{
		{"/usr/lib/libx.so", "/usr/lib/libx.so", "x"},
		{"/lib/libx.so", "/usr/lib/libx.so", "x"},
		{"/lib/../lib/libx.so", "/usr/lib/libx.so", "x"}, // ".." of /usr/lib, as the kernel goes
		{"/abs", "/usr/lib/libx.so", "x"},
		{"/dots", "/etc/conf", "inside"},
		{"/etc/dir/etc/dir/lib/libx.so", "/usr/lib/libx.so", "x"},
		{"/../../etc/conf", "/etc/conf", "inside"},
		{"/out", "", ""}, {"/up", "", ""}, {"/loop", "", ""}, {"/none", "", ""}, {"/etc/conf/x", "", ""},
	} {
		data, err := f.ReadFile(tt.name, 100)
		real, err2 := f.Resolve(tt.name)
		if string(data) != tt.text || real != tt.want || (err == nil) != (tt.want != "") || (err2 == nil) != (err == nil) {
			t.Errorf("%s: %q, %q (%v, %v), want %q, %q", tt.name, data, real, err, err2, tt.text, tt.want)
		}
	}
	if _, err := f.Resolve("/loop"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
}

// Whoever can write to the sysroot may change it between two looks.
func TestSwappedDirectoriesStayWithin(t *testing.T) {
	f, top := system(t)
	if err := os.MkdirAll(filepath.Join(top, "out/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(top, "out/lib/libx.so"), []byte("of the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for usr := f.Dir + "/usr"; ; {
			select {
			case <-stop:
				return
			default:
			}
			os.Rename(usr, usr+".kept")
			os.Symlink(filepath.Join(top, "out"), usr)
			os.Remove(usr)
			os.Symlink("../out", usr)
			os.Remove(usr)
			os.Rename(usr+".kept", usr)
		}
	}()
	// A busy machine may give the other one all the time there is.
	read := 0
	for start := time.Now(); time.Since(start) < 300*time.Millisecond || read == 0 && time.Since(start) < 30*time.Second; {
		if data, err := f.ReadFile("/usr/lib/libx.so", 100); err == nil {
			if read++; string(data) != "x" {
				t.Errorf("read %q", data)
				break
			}
		}
	}
	close(stop)
	<-done
	if read == 0 {
		t.Error("the file was never read")
	}
}

func TestNothingIsWaitedFor(t *testing.T) {
	f, _ := system(t)
	if err := syscall.Mkfifo(f.Dir+"/etc/fifo", 0o644); err != nil {
		t.Skip(err)
	}
	link(t, f, "/etc/link", "fifo")
	for _, name := range []string{"/etc/fifo", "/etc/link", "/etc"} {
		if _, _, err := f.Open(name); !errors.Is(err, steady.ErrIrregular) {
			t.Errorf("%s: %v, want %v", name, err, steady.ErrIrregular)
		}
	}
}

func TestReadFileIsBounded(t *testing.T) {
	f, _ := system(t)
	if _, err := f.ReadFile("/etc/conf", 5); !errors.Is(err, ErrTooLarge) || !strings.Contains(err.Error(), "/etc/conf") {
		t.Errorf("6 bytes with a bound of 5: %v", err)
	}
	if data, err := f.ReadFile("/etc/conf", 6); err != nil || string(data) != "inside" {
		t.Errorf("%q, %v", data, err)
	}
}
