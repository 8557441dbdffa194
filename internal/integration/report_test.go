//go:build integration

package integration

import (
	"encoding/json"
	"testing"
)

// report is the part of `wheelmend audit --json` that the tests read.
type report struct {
	Wheel             string            `json:"wheel"`
	Tag               string            `json:"tag"`
	RepairableTag     string            `json:"repairable_tag"`
	ExternalLibraries []externalLibrary `json:"external_libraries"`
	Blockers          []blocker         `json:"blockers"`
}

// externalLibrary is a library that a wheel needs and does not hold.
type externalLibrary struct {
	Soname   string   `json:"soname"`
	Path     string   `json:"path"` // empty when it was not found
	NeededBy []string `json:"needed_by"`
	Action   string   `json:"action"` // graft, system, excluded or missing
}

// blocker is one reason why a wheel does not meet a policy.
type blocker struct {
	Policies []string `json:"policies"`
	File     string   `json:"file"`
	Library  string   `json:"library"`
	Version  string   `json:"version"`
	Symbols  []string `json:"symbols"`
	Reason   string   `json:"reason"`
}

// audit returns what `wheelmend audit --json` says of one wheel.
func audit(t *testing.T, wheel string, flags ...string) report {
	t.Helper()
	r := wheelmend(t, append(append([]string{"audit", "--json"}, flags...), wheel)...).must(t)
	var rep report
	if err := json.Unmarshal([]byte(r.stdout), &rep); err != nil {
		t.Fatalf("audit --json %s: %v\nstdout: %s", wheel, err, r.stdout)
	}
	return rep
}

// with returns the external libraries that one of the actions is meant for.
func (r report) with(actions ...string) []externalLibrary {
	var found []externalLibrary
	for _, lib := range r.ExternalLibraries {
		for _, a := range actions {
			if lib.Action == a {
				found = append(found, lib)
			}
		}
	}
	return found
}
