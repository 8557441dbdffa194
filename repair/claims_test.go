package repair

import (
	"testing"

	"github.com/wheelmend/wheelmend/audit"
)

// A claim that fails is told with up to three faults, and whether the repair is to blame.
func TestClaimErrorTells(t *testing.T) {
	failed := func(topic audit.Topic, faults int) audit.Claim {
		return audit.Claim{Topic: topic, Text: "it is so", Faults: make([]audit.Fault, faults)}
	}
	for n := range 5 {
		c := failed(audit.TopicStack, n)
		for i := range c.Faults {
			c.Faults[i] = audit.Fault{File: "a", Reason: "no"}
		}
		want := `the repaired wheel would not be what it claims about stack ("it is so" fails): ` + []string{
			"", "a: no", "a: no; a: no", "a: no; a: no; a: no", "a: no; a: no; a: no; and 1 more",
		}[n]
		if got := (&ClaimError{Failed: []audit.Claim{c}}).Error(); got != want {
			t.Errorf("%d faults:\n got %s\nwant %s", n, got, want)
		}
	}
	e := &ClaimError{
		Failed: []audit.Claim{failed(audit.TopicStack, 0), failed(audit.TopicStack, 0), failed(audit.TopicABI, 0)},
		Held:   []audit.Topic{audit.TopicABI},
	}
	const want = `the repaired wheel would not be what it claims about stack ("it is so" fails): ; about stack ("it is so" fails): ; about abi ("it is so" fails, which held before the repair): `
	if got := e.Error(); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got := e.Topics(); len(got) != 2 || got[0] != audit.TopicStack || got[1] != audit.TopicABI {
		t.Errorf("topics %v, want each once", got)
	}
}
