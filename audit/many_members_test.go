package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

// A member that is no binary costs its name and row, not a buffer.
func TestMembersAreCheap(t *testing.T) {
	const members, each = 4000, 8 << 10
	var spec strings.Builder
	for i := range members {
		fmt.Fprintf(&spec, "demo/%d.py text\n", i)
	}
	image, err := wheeltest.Build("demo-1.0-py3-none-any.whl", spec.String())
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	p, err := audit.Verify(context.Background(), "demo-1.0-py3-none-any.whl", r, audit.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	runtime.ReadMemStats(&after)
	if !p.Holds() {
		t.Errorf("fails: %v", p.Failed())
	}
	if got := (after.TotalAlloc - before.TotalAlloc) / members; got > each {
		t.Errorf("%d bytes are allocated for a member, want no more than %d", got, each)
	}
}
