package report

import "github.com/wheelmend/wheelmend/audit"

// Verify is the JSON document of a verification. See docs/verify.schema.json.
type Verify struct {
	Schema int           `json:"schema"`
	Input  string        `json:"input,omitempty"` // path as it was given, set by the caller
	Wheel  string        `json:"wheel"`
	Holds  bool          `json:"holds"` // no claim fails
	Claims []VerifyClaim `json:"claims"`
}

// VerifyClaim is one thing that the wheel claims.
type VerifyClaim struct {
	Topic   string        `json:"topic"`
	Claim   string        `json:"claim"`
	Outcome string        `json:"outcome"` // holds, fails or unchecked
	Basis   string        `json:"basis"`
	Faults  []VerifyFault `json:"faults"`

	// The basis in detail, where there is more to tell than a number.
	Evidence []string `json:"evidence"`
}

// VerifyFault is one reason why a claim fails or is unchecked.
type VerifyFault struct {
	File    *string  `json:"file"`
	Library *string  `json:"library"`
	Version *string  `json:"version"`
	Symbols []string `json:"symbols"`
	Reason  string   `json:"reason"`
}

// NewVerify returns the JSON document of a verification.
func NewVerify(p *audit.Proof) Verify {
	v := Verify{Schema: Schema, Wheel: p.Wheel, Holds: p.Holds(), Claims: []VerifyClaim{}}
	for _, c := range p.Claims {
		claim := VerifyClaim{Topic: string(c.Topic), Claim: c.Text, Outcome: string(c.Outcome), Basis: c.Basis, Faults: []VerifyFault{}, Evidence: list(c.Evidence)}
		for _, f := range c.Faults {
			claim.Faults = append(claim.Faults, VerifyFault{
				File: optional(f.File), Library: optional(f.Library), Version: optional(f.Version),
				Symbols: list(f.Symbols), Reason: f.Reason,
			})
		}
		v.Claims = append(v.Claims, claim)
	}
	return v
}
