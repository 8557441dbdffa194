package lower

import (
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/policy"
)

// found returns the rows of a symbol as text, the best first.
func found(t *Table, s Symbol) []string {
	var texts []string
	for _, row := range t.Find(s) {
		texts = append(texts, string(row.Class)+" "+row.To.Library+" "+row.To.Name+"@"+row.To.Version)
	}
	return texts
}

func TestFind(t *testing.T) {
	for _, tt := range []struct {
		arch                   policy.Arch
		name, library, version string
		want                   string
	}{
		// Moved into libc.so.6 by 2.34.
		{policy.X86_64, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.2.5"},
		{policy.I686, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.1"},
		{policy.AARCH64, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.17"},
		{policy.ARMV7L, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.4"},
		{policy.PPC64LE, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.17"},
		{policy.S390X, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.2"},
		{policy.RISCV64, "pthread_create", "libc.so.6", "GLIBC_2.34", "same libpthread.so.0 pthread_create@GLIBC_2.27"},
		{policy.X86_64, "dlopen", "libc.so.6", "GLIBC_2.34", "same libdl.so.2 dlopen@GLIBC_2.2.5"},
		{policy.X86_64, "shm_open", "libc.so.6", "GLIBC_2.34", "same librt.so.1 shm_open@GLIBC_2.2.5"},
		{policy.X86_64, "dn_expand", "libc.so.6", "GLIBC_2.34", "same libresolv.so.2 __dn_expand@GLIBC_2.2.5"},
		// Another name for the same.
		{policy.X86_64, "fcntl64", "libc.so.6", "GLIBC_2.28", "same libc.so.6 fcntl@GLIBC_2.2.5"},
		// fcntl64 of a 32-bit system has wider offsets than fcntl.
		{policy.I686, "fcntl64", "libc.so.6", "GLIBC_2.28", ""},
		// Older variants, and other names.
		{policy.X86_64, "memcpy", "libc.so.6", "GLIBC_2.14", "older libc.so.6 memcpy@GLIBC_2.2.5"},
		{policy.X86_64, "pow", "libm.so.6", "GLIBC_2.29", "older libm.so.6 pow@GLIBC_2.2.5"},
		{policy.AARCH64, "pow", "libm.so.6", "GLIBC_2.29", "older libm.so.6 pow@GLIBC_2.17"},
		{policy.X86_64, "__isoc23_strtol", "libc.so.6", "GLIBC_2.38", "rename libc.so.6 strtol@GLIBC_2.2.5"},
		{policy.X86_64, "__isoc23_sscanf", "libc.so.6", "GLIBC_2.38", "rename libc.so.6 __isoc99_sscanf@GLIBC_2.7"},
		// Nothing older exists.
		{policy.X86_64, "stat", "libc.so.6", "GLIBC_2.33", "compat libwheelmend_compat.so __wheelmend_stat@WHEELMEND_1"},
		{policy.X86_64, "__libc_single_threaded", "libc.so.6", "GLIBC_2.32", "compat libwheelmend_compat.so __wheelmend___libc_single_threaded@WHEELMEND_1"},
		// Nothing is known, or it would not be true.
		{policy.X86_64, "cfsetospeed", "libc.so.6", "GLIBC_2.42", ""},
		{policy.X86_64, "sqrtf128", "libm.so.6", "GLIBC_2.26", ""},
		{policy.AARCH64, "strtof128", "libc.so.6", "GLIBC_2.27", ""},
		{policy.I686, "__ioctl_time64", "libc.so.6", "GLIBC_2.34", ""},
		{policy.ARMV7L, "__fcntl_time64", "libc.so.6", "GLIBC_2.34", ""},
		{policy.I686, "__sendmsg64", "libc.so.6", "GLIBC_2.34", ""},
		{policy.ARMV7L, "__getsockopt64", "libc.so.6", "GLIBC_2.34", ""},
		{policy.X86_64, "pow", "libfoo.so.1", "GLIBC_2.29", ""},
	} {
		t.Run(string(tt.arch)+" "+tt.name, func(t *testing.T) {
			got := found(For(tt.arch), Symbol{tt.name, tt.library, tt.version})
			if tt.want == "" && len(got) > 0 || tt.want != "" && !slices.Contains(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The same code comes before what differs, and of the same the nearest version.
func TestFindOrder(t *testing.T) {
	got := found(For(policy.X86_64), Symbol{"pow", "libm.so.6", "GLIBC_2.29"})
	if len(got) < 2 || !strings.HasPrefix(got[0], "same ") || !strings.HasPrefix(got[len(got)-1], "older ") {
		t.Errorf("pow: got %q", got)
	}
	for _, arch := range Archs() {
		rank := []Class{Same, Rename, Older, Compat}
		for _, row := range For(arch).Rows() {
			rows := For(arch).Find(row.From)
			for i, next := range rows[1:] {
				if slices.Index(rank, rows[i].Class) > slices.Index(rank, next.Class) {
					t.Fatalf("%s: %v comes before %v", arch, rows[i], next)
				}
				if rows[i].Class == Same && next.Class == Same && policy.CompareVersions(rows[i].To.Version, next.To.Version) < 0 {
					t.Fatalf("%s: %v comes before %v", arch, rows[i], next)
				}
			}
		}
	}
}

// A function that old C libraries answer wrongly is replaced whatever its version.
func TestAlways(t *testing.T) {
	for _, arch := range Archs() {
		row, ok := For(arch).Always(Symbol{"sysconf", "libc.so.6", "GLIBC_2.2.5"})
		if !ok || row.To.Name != prefix+"sysconf" {
			t.Errorf("%s: got %v, %v", arch, row, ok)
		}
		if row, ok := For(arch).Always(Symbol{"stat", "libc.so.6", "GLIBC_2.33"}); ok {
			t.Errorf("%s: got %v for stat", arch, row)
		}
	}
}

// Nothing that is refused by its kind stands in a table.
func TestRowsAreAllowed(t *testing.T) {
	for _, arch := range Archs() {
		rows := For(arch).Rows()
		if len(rows) < 100 {
			t.Errorf("%s: %d rows only", arch, len(rows))
		}
		for _, row := range rows {
			if why := fault(arch, row); why != "" {
				t.Errorf("%s: %v: %s", arch, row, why)
			}
		}
	}
}

// fault says why a row must not be, "" if it may.
func fault(arch policy.Arch, row Row) string {
	from, to := row.From, row.To
	short := arch == policy.I686 || arch == policy.ARMV7L
	old := policy.CompareVersions(to.Version, "GLIBC_2.26") < 0
	switch {
	case from.Name == "__libc_start_main" && row.Class != Compat:
		return "skips constructors"
	case strings.Contains(from.Version, "PRIVATE") || strings.Contains(from.Version, "GLIBC_ABI_"):
		return "is a version that nobody may ask for"
	case short && strings.Contains(from.Name, "time64"):
		return "has another time_t"
	case strings.HasSuffix(from.Name, "placeholder"):
		return "is no function"
	case strings.Contains(from.Name+to.Name, "128") && old && row.Class != Compat:
		return "is older than the type"
	case row.Class == Compat:
		if !strings.HasPrefix(to.Name, prefix) || to.Version != CompatVersion {
			return "may be taken for another library's"
		}
	case policy.CompareVersions(to.Version, from.Version) >= 0:
		return "is not older"
	case row.Class == Same && row.Note+row.Source != "":
		return "is the same and has a note"
	case row.Class != Same && (row.Note == "" || row.Source == ""):
		return "has no note or source"
	}
	return ""
}

func TestGrown(t *testing.T) {
	table := For(policy.X86_64)
	note, source, ok := table.Grown(Symbol{"posix_spawnattr_setflags", "libc.so.6", "GLIBC_2.2.5"})
	if !ok || !strings.Contains(note, "POSIX_SPAWN_SETSID") || source == "" {
		t.Errorf("got %q, %q, %v", note, source, ok)
	}
	if _, _, ok := table.Grown(Symbol{"posix_spawnattr_setflags", "libfoo.so.1", "FOO_1"}); ok {
		t.Error("that of another library is taken for glibc's")
	}
}

func TestForUnknownArchitecture(t *testing.T) {
	if table := For("sparc64"); table != nil {
		t.Errorf("got %v", table)
	}
}
