package repair_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/repair"
)

// A tag that PyPI does not take is told and no reason to refuse: an index of one's own takes
// what it likes.
func TestATagThatPyPIDoesNotTakeIsTold(t *testing.T) {
	w := newWorld(t, linuxWheel, module("needed=libx.so.1"), lib("libx.so.1"))
	result, err := w.repairer(t, repair.Options{KeepTags: true}).Repair(t.Context(), w.wheel, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(result.Path) != linuxWheel || !slices.ContainsFunc(result.Findings, func(f string) bool { return strings.Contains(f, "PyPI") }) {
		t.Errorf("%s: %q, want the tag of before and that PyPI does not take it", result.Path, result.Findings)
	}
}
