//go:build unix

package repair_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/repair"
)

// The database of the host, which a sysroot of somebody else would like to be read.
var hostDatabase = map[string]string{
	"etc/os-release":                    "ID=secretos\n",
	"var/lib/dpkg/status":               "Package: libsecret\nVersion: 6.6.6\nArchitecture: amd64\n",
	"var/lib/dpkg/info/libsecret.list":  "/usr/lib/libx.so.1\n/usr/lib/liby.so.1\n",
	"lib/apk/db/installed":              "P:libsecret\nV:6.6.6\nF:usr/lib\nR:libx.so.1\n",
	"usr/share/doc/libsecret/copyright": "secret licence\n",
}

func writeTree(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// billOf repairs the wheel of a world, and returns its SBOM and the warnings.
func billOf(t *testing.T, w *world) (string, []string) {
	t.Helper()
	result, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range contents(t, result.Path) {
		if strings.HasSuffix(name, ".cdx.json") {
			return content, result.Plan.Warnings
		}
	}
	t.Fatal("no SBOM is made")
	return "", nil
}

func TestSBOMOfASysrootTellsNothingOfTheHost(t *testing.T) {
	for _, link := range []string{"etc", "etc/os-release", "var", "var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/status", "lib/apk", "lib/apk/db/installed", "usr/share/doc"} {
		for _, relative := range []bool{false, true} {
			w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
			host := filepath.Join(w.dir, "host")
			writeTree(t, host, hostDatabase)
			at, target := filepath.Join(w.system, link), filepath.Join(host, link)
			if relative {
				target = strings.Repeat("../", strings.Count(link, "/")+1) + "host/" + link
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.Symlink(target, at)); err != nil {
				t.Fatal(err)
			}
			if bill, _ := billOf(t, w); strings.Contains(bill, "secret") || strings.Contains(bill, "6.6.6") {
				t.Errorf("through %s -> %s the SBOM has\n%s", link, target, bill)
			}
		}
	}
}

// A FIFO where a part of the database is sought is told, and not waited for.
func TestSBOMWaitsForNoFIFO(t *testing.T) {
	for _, name := range []string{"etc/os-release", "var/lib/dpkg/status", "var/lib/dpkg/info/liba.list", "lib/apk/db/installed", "usr/share/doc/libsecret/copyright", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db"} {
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		writeTree(t, w.system, hostDatabase)
		at := filepath.Join(w.system, name)
		_ = os.Remove(at)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(at, 0o644); err != nil {
			t.Skip(err)
		}
		done := make(chan []string)
		go func() {
			_, warnings := billOf(t, w)
			done <- warnings
		}()
		select {
		case warnings := <-done:
			if !strings.Contains(strings.Join(warnings, "\n"), name+": not a regular file") {
				t.Errorf("%s: warnings %q", name, warnings)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s is waited for", name)
		}
	}
}

// A damaged database is told.
func TestSBOMOfADamagedDatabase(t *testing.T) {
	for name, text := range map[string]string{
		"var/lib/rpm/rpmdb.sqlite": "SQLite format 3\x00 and no more", "var/lib/rpm/Packages": "", "lib/apk/db/installed": strings.Repeat("\x00", 100),
	} {
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		writeTree(t, w.system, map[string]string{name: text})
		_, warnings := billOf(t, w)
		if all := strings.Join(warnings, "\n"); !strings.Contains(all, "package database: "+name+": ") || !strings.Contains(all, "no package of the database has") {
			t.Errorf("%s: warnings %q", name, warnings)
		}
	}
}
