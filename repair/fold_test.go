package repair_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wheelmend/wheelmend/repair"
)

// Of one library under several names in one folder, the name that others ask for is
// kept, wherever it stands among them; other folders and other bytes are left alone.
func TestFoldCopies(t *testing.T) {
	const same = " elf x86_64 needed=libc.so.6 export=f soname="
	for _, tt := range []struct {
		name, wheel string
		removed     []string
		warning     string // of a repair that does not fold, "" for none
	}{
		{"the last one has the name", "demo/a.so" + same + "c.so\ndemo/b.so" + same + "c.so\ndemo/c.so" + same + "c.so",
			[]string{"demo/a.so", "demo/b.so"}, "demo/a.so, demo/b.so, demo/c.so are one library"},
		{"the first one has it", "demo/a.so" + same + "a.so\ndemo/b.so" + same + "a.so", []string{"demo/b.so"}, "demo/a.so, demo/b.so are one library"},
		{"none has it", "demo/a.so" + same + "x.so\ndemo/b.so" + same + "x.so", []string{"demo/b.so"}, "demo/a.so, demo/b.so are one library"},
		{"two folders", "demo/a.so" + same + "a.so\ndemo/sub/a.so" + same + "a.so", nil, ""},
		{"other bytes of the same size", "demo/a.so" + same + "a.so\ndemo/b.so elf x86_64 needed=libc.so.6 export=g soname=a.so", nil, ""},
		{"no soname", "demo/a.so elf x86_64 needed=libc.so.6\ndemo/b.so elf x86_64 needed=libc.so.6", nil, ""},
		{"two pairs", "demo/a.so" + same + "a.so\ndemo/a.so.1" + same + "a.so\ndemo/b.so" + same + "b.so\ndemo/b.so.1" + same + "b.so",
			[]string{"demo/a.so.1", "demo/b.so.1"}, "demo/a.so, demo/a.so.1 are one library"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linuxWheel, module()+tt.wheel, "")
			plan := w.plan(t, repair.Options{FoldCopies: true})
			if diff := cmp.Diff(tt.removed, plan.Removed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
			if warned := strings.Join(plan.Warnings, "\n"); tt.removed == nil && !strings.Contains(warned, "nothing is folded") {
				t.Errorf("warnings %q, want one that nothing is folded", warned)
			}
			plain := w.plan(t, repair.Options{})
			if warned := strings.Join(plain.Warnings, "\n"); len(plain.Removed) > 0 || (warned == "") != (tt.warning == "") || !strings.Contains(warned, tt.warning) {
				t.Errorf("without folding: removed %q, warnings %q, want %q", plain.Removed, warned, tt.warning)
			}
			files := contents(t, w.repair(t, repair.Options{FoldCopies: true}))
			for _, name := range tt.removed {
				if _, there := files[name]; there {
					t.Errorf("%s is still there", name)
				}
			}
		})
	}
}
