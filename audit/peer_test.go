package audit_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// peerPython names the Python whose auditwheel is the second opinion.
const peerPython = "WHEELMEND_PEER_PYTHON"

// TestSameTagAsAuditwheel holds the tag of wheels as they stand to that of
// auditwheel.
func TestSameTagAsAuditwheel(t *testing.T) {
	python := os.Getenv(peerPython)
	if python == "" {
		t.Skipf("%s is not set to a Python that has auditwheel", peerPython)
	}
	for _, tt := range []struct{ name, wheel, libs string }{
		{"old versions", module("needed=libc.so.6 import=f@GLIBC_2.2.5"), ""},
		{"numbers, not letters", module("needed=libc.so.6 import=f@GLIBC_2.9,g@GLIBC_2.17"), ""},
		{"between two policies", module("needed=libc.so.6,libm.so.6 import=f@GLIBC_2.29:libm.so.6"), ""},
		{"private", module("needed=libc.so.6 import=f@GLIBC_PRIVATE"), ""},
		{"packed relocations", module("needed=libc.so.6 need=libc.so.6:GLIBC_2.17+GLIBC_ABI_DT_RELR"), ""},
		{"a prefix that is not known", module("needed=libc.so.6,libz.so.1 import=f@NEWZ_1.2.99:libz.so.1"), "libz.so.1 elf x86_64"},
		{"C++", module("needed=libc.so.6,libstdc++.so.6 import=f@GLIBCXX_3.4.20:libstdc++.so.6"), "libstdc++.so.6 elf x86_64"},
		{"a library that has to come in", module("needed=libc.so.6,libx.so.1"), "libx.so.1 elf x86_64 needed=libc.so.6"},
		{"expat, promised since 2_12", module("needed=libc.so.6,libexpat.so.1 import=f@GLIBC_2.2.5"), "libexpat.so.1 elf x86_64"},
		{"internals of libz", module("needed=libc.so.6,libz.so.1 import=_tr_init"), "libz.so.1 elf x86_64"},
		{"a newer processor", module("needed=libc.so.6 isa=v3"), ""},
		{"a library of the wheel", module("needed=libc.so.6,libin.so.1 runpath=$ORIGIN/lib") + "demo/lib/libin.so.1 elf x86_64 soname=libin.so.1 needed=libc.so.6 import=f@GLIBC_2.28", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			libs := t.TempDir()
			if err := wheeltest.WriteLibs(libs, "libc.so.6 elf x86_64\nlibm.so.6 elf x86_64\n"+tt.libs); err != nil {
				t.Fatal(err)
			}
			want := auditwheelTag(t, python, tt.wheel, libs)
			rep, _ := assess(t, linuxWheel, tt.wheel, "", audit.Options{Options: linkage.Options{UseLDPaths: true, LDPaths: []string{libs}}})
			if got := rep.Tag(); got != want {
				t.Errorf("tag %s, auditwheel says %s", got, want)
			}
		})
	}
}

// auditwheelTag asks auditwheel for the tag of a wheel, with the libraries of
// one directory.
func auditwheelTag(t *testing.T, python, spec, libs string) string {
	t.Helper()
	image, err := wheeltest.Build(linuxWheel, spec)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), linuxWheel)
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-m", "auditwheel", "show", "--json", "--ldpaths", libs, path).Output()
	if err != nil {
		t.Fatalf("auditwheel: %v\n%s", err, out)
	}
	var answer struct {
		Tag string `json:"overall_tag"`
	}
	if err := json.Unmarshal(out, &answer); err != nil || answer.Tag == "" {
		t.Fatalf("auditwheel answered %s (%v)", out, err)
	}
	return answer.Tag
}
