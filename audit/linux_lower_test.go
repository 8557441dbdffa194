package audit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/policy/lower"
)

// What stands in for a symbol depends on the policy, and what nothing stands in for is
// refused by name.
func TestLower(t *testing.T) {
	for _, tt := range []struct {
		name, elf, policy string
		symbols           []string // "symbol@version -> symbol@version class"
		needed            []string
		stops             string // part of the reason, "" if the policy is reached
		relr, plt         bool
	}{
		{name: "the same code in its old home", elf: "import=pthread_create@GLIBC_2.34:libc.so.6", policy: "manylinux_2_17",
			symbols: []string{"pthread_create@GLIBC_2.34 -> pthread_create@GLIBC_2.2.5 same"}, needed: []string{"libpthread.so.0"}},
		{name: "under another name", elf: "import=fcntl64@GLIBC_2.28:libc.so.6", policy: "manylinux_2_17", symbols: []string{"fcntl64@GLIBC_2.28 -> fcntl@GLIBC_2.2.5 same"}},
		{name: "what the policy promises stays", elf: "import=fcntl64@GLIBC_2.28:libc.so.6,pow@GLIBC_2.29:libm.so.6 needed=libm.so.6", policy: "manylinux_2_28", symbols: []string{"pow@GLIBC_2.29 -> powf32x@GLIBC_2.27 same"}},
		{name: "by the compatibility library, and sysconf with it", elf: "import=stat@GLIBC_2.33:libc.so.6,sysconf@GLIBC_2.2.5:libc.so.6", policy: "manylinux_2_28",
			symbols: []string{"stat@GLIBC_2.33 -> __wheelmend_stat@WHEELMEND_1 compat", "sysconf@GLIBC_2.2.5 -> __wheelmend_sysconf@WHEELMEND_1 compat"}, needed: []string{"libwheelmend_compat.so"}},
		{name: "sysconf stays where nothing else is lowered", elf: "import=sysconf@GLIBC_2.2.5:libc.so.6", policy: "manylinux_2_28"},
		{name: "the compatibility library is too new itself", elf: "import=stat@GLIBC_2.33:libc.so.6", policy: "manylinux_2_12", stops: "nothing is known to stand in"},
		{name: "C++", elf: "import=_ZSt28__throw_bad_array_new_lengthv@GLIBCXX_3.4.29:libstdc++.so.6 needed=libstdc++.so.6", policy: "manylinux_2_28",
			symbols: []string{"_ZSt28__throw_bad_array_new_lengthv@GLIBCXX_3.4.29 -> __wheelmend__ZSt28__throw_bad_array_new_lengthv@WHEELMEND_1 compat"}, needed: []string{"libwheelmend_compat_cxx.so"}},
		{name: "C++ out of reach", elf: "import=_ZNSs1@GLIBCXX_3.4.21:libstdc++.so.6 needed=libstdc++.so.6", policy: "manylinux_2_17", stops: "GLIBCXX_3.4.21"},
		{name: "a weak reference", elf: "weak=new_thing@GLIBC_2.40:libc.so.6", policy: "manylinux_2_17", symbols: []string{"new_thing@GLIBC_2.40 -> new_thing weak"}},
		{name: "unknown", elf: "import=new_thing@GLIBC_2.40:libc.so.6", policy: "manylinux_2_17", stops: "nothing is known to stand in"},
		{name: "the known version of another library", elf: "import=pthread_create@GLIBC_2.34:libm.so.6 needed=libm.so.6", policy: "manylinux_2_17", stops: "nothing is known to stand in"},
		{name: "a real change of a newer glibc", elf: "import=cfsetospeed@GLIBC_2.42:libc.so.6", policy: "manylinux_2_17", stops: "nothing is known to stand in"},
		{name: "private", elf: "import=_dl_x@GLIBC_PRIVATE:libc.so.6", policy: "manylinux_2_17", stops: "GLIBC_PRIVATE"},
		{name: "private and weak", elf: "weak=_dl_x@GLIBC_PRIVATE:libc.so.6", policy: "manylinux_2_17", stops: "GLIBC_PRIVATE"},
		{name: "another mark", elf: "need=libc.so.6:GLIBC_ABI_GNU_TLS", policy: "manylinux_2_17", stops: "cannot be taken out"},
		{name: "a version without a symbol", elf: "need=libc.so.6:GLIBC_2.30", policy: "manylinux_2_17", stops: "no symbol tells"},
		{name: "packed relocations", elf: "relr import=free@GLIBC_2.2.5:libc.so.6 need=libc.so.6:GLIBC_ABI_DT_RELR", policy: "manylinux_2_17", relr: true},
		{name: "packed relocations without a mark", elf: "relr import=free@GLIBC_2.2.5:libc.so.6", policy: "manylinux_2_17", relr: true},
		{name: "the version that ld 2.44 marks a PLT with", elf: "markplt import=free@GLIBC_2.2.5:libc.so.6 need=libc.so.6:GLIBC_2.36", policy: "manylinux_2_17", plt: true},
		{name: "the version that newer ones mark it with", elf: "markplt import=free@GLIBC_2.2.5:libc.so.6 need=libc.so.6:GLIBC_ABI_DT_X86_64_PLT", policy: "manylinux_2_17", plt: true},
		{name: "that of a PLT without marks", elf: "import=free@GLIBC_2.2.5:libc.so.6 need=libc.so.6:GLIBC_2.36", policy: "manylinux_2_17", stops: "no symbol tells"},
		{name: "that of a PLT, which a symbol has as well", elf: "markplt import=free@GLIBC_2.2.5:libc.so.6,new_thing@GLIBC_2.36:libc.so.6", policy: "manylinux_2_17", stops: "nothing is known to stand in"},
		{name: "waits that no function of older systems can do", elf: "import=pthread_cond_clockwait@GLIBC_2.34:libc.so.6", policy: "manylinux_2_28", stops: "nothing is known to stand in"},
		{name: "the same code for those that can", elf: "import=pthread_cond_clockwait@GLIBC_2.34:libc.so.6", policy: "manylinux_2_31",
			symbols: []string{"pthread_cond_clockwait@GLIBC_2.34 -> pthread_cond_clockwait@GLIBC_2.30 same"}, needed: []string{"libpthread.so.0"}},
		{name: "marks of the PLT", elf: "markplt import=free@GLIBC_2.2.5:libc.so.6", policy: "manylinux_2_17", plt: true},
		{name: "nothing to do", elf: "import=free@GLIBC_2.2.5:libc.so.6", policy: "manylinux_2_17"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, _ := assess(t, linuxWheel, "demo/_core.so elf x86_64 needed=libc.so.6 "+tt.elf, "", audit.Options{})
			p, err := policy.LookupFor(tt.policy, policy.X86_64)
			if err != nil {
				t.Fatal(err)
			}
			l, err := rep.Lower(p)
			if err != nil {
				t.Fatal(err)
			}
			var reasons, symbols, needed []string
			for _, b := range l.Verdict.Blockers {
				reasons = append(reasons, b.Reason)
			}
			if all := strings.Join(reasons, "; "); l.Reaches() != (tt.stops == "") || !strings.Contains(all, tt.stops) {
				t.Errorf("reaches %v: %s", l.Reaches(), all)
			}
			if tt.stops != "" {
				return
			}
			var relr, plt bool
			for _, f := range l.Files {
				for _, s := range f.Symbols {
					to := s.To.Name
					if s.To.Version != "" {
						to += "@" + s.To.Version
					}
					symbols = append(symbols, s.From.Name+"@"+s.From.Version+" -> "+to+" "+string(s.Class))
				}
				needed, relr, plt = append(needed, f.Needed...), relr || f.ExpandRelr, plt || f.PlainPLT
			}
			if !slices.Equal(symbols, tt.symbols) || !slices.Equal(needed, tt.needed) || relr != tt.relr || plt != tt.plt {
				t.Errorf("lowered %q, needs %q besides, relocations %v, PLT %v", symbols, needed, relr, plt)
			}
			if n := l.Count(lower.Same, lower.Older, lower.Rename, lower.Compat, lower.Weak); n != len(tt.symbols) {
				t.Errorf("%d symbols are counted, want %d", n, len(tt.symbols))
			}
		})
	}
}

func TestMuslIsNotLowered(t *testing.T) {
	rep, _ := assess(t, linuxWheel, "demo/_core.so elf x86_64 needed=libc.musl-x86_64.so.1 import=malloc", "", audit.Options{Lower: true})
	p, err := policy.LookupFor("manylinux_2_17", policy.X86_64)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rep.Lower(p); !errors.Is(err, audit.ErrNoLowering) || !errors.Is(rep.Lowers(), audit.ErrNoLowering) || len(rep.Lowerings) > 0 {
		t.Errorf("a wheel for musl is lowered (%v)", err)
	}
}

// The report has each policy that is stricter than what a repair reaches by itself.
func TestLowerings(t *testing.T) {
	rep, _ := assess(t, linuxWheel, "demo/_core.so elf x86_64 needed=libc.so.6 import=pthread_create@GLIBC_2.34:libc.so.6,getrandom@GLIBC_2.25:libc.so.6", "", audit.Options{Lower: true})
	var reached []string
	for _, l := range rep.Lowerings {
		text := l.Verdict.Policy.Name
		if !l.Reaches() {
			text += " stopped"
		}
		reached = append(reached, text)
	}
	want := []string{"manylinux_2_5 stopped", "manylinux_2_12 stopped", "manylinux_2_17", "manylinux_2_24", "manylinux_2_26", "manylinux_2_27", "manylinux_2_28", "manylinux_2_31"}
	if !slices.Equal(reached, want) {
		t.Errorf("got %q, want %q", reached, want)
	}
}
