package audit

import (
	"cmp"
	"fmt"
	"path"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// wrongInterpreter tells what is wrong with the loader that a program of the wheel
// names: the kernel starts it by its path, and that of the machine which built
// the program (/nix/store, a conda environment) is nowhere else. Libraries may name
// one, too; nothing looks at it when they are loaded.
func (r *Report) wrongInterpreter(o *linkage.Image) (Blocker, bool) {
	interp, err := o.ELF().Interpreter()
	if err != nil || interp == "" || !o.InWheel || o.ELF().Soname() != "" || isSharedName(o.Path) {
		return Blocker{}, false
	}
	libc := cmp.Or(r.Libc, policy.GLIBC)
	want := linkage.LoaderPath(string(libc), string(r.Arch))
	if want == "" || interp == want {
		return Blocker{}, false
	}
	b := Blocker{Kind: KindInterpreter, File: o.Path, Reason: fmt.Sprintf("its interpreter (PT_INTERP) is %q, which other machines do not have; want %s", interp, want)}
	if other := linkage.LoaderLibc(path.Base(interp)); other != "" && other != string(libc) {
		b.Kind, b.Reason = KindLibc, fmt.Sprintf("its interpreter (PT_INTERP) is %q, the loader of %s; the wheel is for %s", interp, other, libc)
	}
	return b, true
}

// Interpreter returns the loader that a program of the wheel is to name in the
// place of one that only the machine which built it has, "" to leave it.
func (r *Report) Interpreter(o *linkage.Image) string {
	if b, wrong := r.wrongInterpreter(o); !wrong || b.Kind != KindInterpreter {
		return ""
	}
	return linkage.LoaderPath(string(cmp.Or(r.Libc, policy.GLIBC)), string(r.Arch))
}
