package budget

import (
	"errors"
	"testing"
)

func TestBudgetEnds(t *testing.T) {
	b := New(10, "steps")
	if err := errors.Join(b.Spend("a", 4), b.Spend("b", 6), b.Err()); err != nil {
		t.Fatal(err)
	}
	for _, units := range []int{1, 0} {
		var over *Error
		if err := b.Spend("c", units); !errors.As(err, &over) || over.File != "c" || over.Limit != 10 {
			t.Errorf("%d units: %v", units, err)
		}
	}
	if b.Err() == nil || b.Spent() != 10 {
		t.Errorf("%v, %d spent", b.Err(), b.Spent())
	}
}

func TestCheck(t *testing.T) {
	if err := Check("a", "libraries (DT_NEEDED)", 5, 5); err != nil {
		t.Error(err)
	}
	const want = "a: more than 5 libraries (DT_NEEDED), which no real wheel needs; see docs/limits.md"
	if err := Check("a", "libraries (DT_NEEDED)", 6, 5); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
