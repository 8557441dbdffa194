package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
)

// A ClaimError reports that the result of a repair would not be what it claims, so
// that nothing was written. It holds what [audit.Verify] would say of the result.
type ClaimError struct {
	Failed []audit.Claim
	Held   []audit.Topic // topics of which nothing failed in the wheel as it was
}

func (e *ClaimError) Error() string {
	const shown = 3
	var texts []string
	for _, c := range e.Failed {
		text := fmt.Sprintf("%s (%q fails", c.Topic, c.Text)
		if slices.Contains(e.Held, c.Topic) {
			text += ", which held before the repair"
		}
		var faults []string
		for i := range c.Faults {
			faults = append(faults, c.Faults[i].String())
		}
		more := ""
		if n := len(faults) - shown; n > 0 {
			faults, more = faults[:shown], fmt.Sprintf("; and %d more", n)
		}
		texts = append(texts, text+"): "+strings.Join(faults, "; ")+more)
	}
	return "the repaired wheel would not be what it claims about " + strings.Join(texts, "; about ")
}

// Topics returns what the failed claims are about, each topic once.
func (e *ClaimError) Topics() []audit.Topic {
	var topics []audit.Topic
	for _, c := range e.Failed {
		if !slices.Contains(topics, c.Topic) {
			topics = append(topics, c.Topic)
		}
	}
	return topics
}

// Allowable reports whether [Options.Allow] heeds a topic: all but those that are the
// repair's own work, the tags, RECORD and the archive.
func Allowable(topic audit.Topic) bool {
	switch topic {
	case audit.TopicTags, audit.TopicPlatform, audit.TopicRecord, audit.TopicArchive, audit.TopicPyPI:
		return false
	}
	return slices.Contains(audit.Topics(), topic)
}

// proofOptions are those by which the result is held to what it claims, and the
// wheel as it was: without the libraries of this machine.
func (a *application) proofOptions() audit.VerifyOptions {
	opts := audit.VerifyOptions{Options: a.plan.options.Audit}
	opts.Graft, opts.Exclude, opts.Add = nil, nil, nil
	for _, entry := range a.plan.kept {
		opts.KeepRPath = append(slices.Clone(opts.KeepRPath), linkage.QuotePattern(entry))
	}
	for _, soname := range a.plan.excluded {
		// A library that was excluded by its path has none here.
		opts.Exclude = append(opts.Exclude, linkage.QuotePattern(soname))
	}
	return opts
}

// checkClaims refuses a result that fails a claim, unless the options say that the
// user wants it all the same: then it becomes a finding.
func (a *application) checkClaims(ctx context.Context, c *audit.Contents) error {
	proof, err := c.Prove(ctx, a.proofOptions())
	if err != nil {
		return err
	}
	e := &ClaimError{Failed: a.unmetPolicy(proof.Report)}
	if err := proof.Close(); err != nil {
		return err
	}
	for _, claim := range proof.Failed() {
		var faults []audit.Fault
		for i := range claim.Faults {
			if f := &claim.Faults[i]; a.wanted(claim.Topic, f) {
				a.findings = append(a.findings, fmt.Sprintf("claim %q fails: %s", claim.Text, f))
			} else {
				faults = append(faults, *f)
			}
		}
		if len(faults) > 0 {
			claim.Faults = faults
			e.Failed = append(e.Failed, claim)
		}
	}
	if len(e.Failed) == 0 {
		return nil
	}
	e.Held, err = a.heldBefore(ctx, e.Topics())
	return errors.Join(err, e)
}

// heldBefore returns those of the topics of which every claim of the wheel as it was
// held.
func (a *application) heldBefore(ctx context.Context, topics []audit.Topic) ([]audit.Topic, error) {
	proof, err := a.plan.contents.Prove(ctx, a.proofOptions())
	if err != nil {
		return nil, err
	}
	held := map[audit.Topic]bool{}
	for _, c := range proof.Claims {
		before, known := held[c.Topic]
		held[c.Topic] = c.Outcome == audit.Holds && (before || !known)
	}
	return slices.DeleteFunc(topics, func(t audit.Topic) bool { return !held[t] }), proof.Close()
}

// unmetPolicy returns the claim about the policy of the plan if it is not met. That
// of a tag has a claim of its own.
func (a *application) unmetPolicy(rep *audit.Report) []audit.Claim {
	if a.plan.policy == nil || rep == nil || slices.Contains(rep.Contents.Filename.Platform, a.plan.policy.Tag()) {
		return nil
	}
	v := rep.Judge(a.plan.policy.Platform())
	if v.Meets() {
		return nil
	}
	claim := audit.Claim{Topic: audit.TopicPlatform, Text: "what " + a.plan.Policy + " promises is met", Outcome: audit.Fails}
	for _, b := range v.Blockers {
		claim.Faults = append(claim.Faults, audit.Fault{File: b.File, Library: b.Library, Version: b.Version, Symbols: b.Symbols, Reason: b.Reason})
	}
	return []audit.Claim{claim}
}

// wanted reports whether the options say that a fault may stay.
func (a *application) wanted(topic audit.Topic, f *audit.Fault) bool {
	o := a.plan.options
	if topic == audit.TopicPyPI {
		return true // not every wheel is for there: those of one's own index have what tags they like
	}
	if a.plan.tagsOnly {
		return Allowable(topic) && topic != audit.TopicNames && topic != audit.TopicInstall // they are of binaries, which stay as they are
	}
	if Allowable(topic) && slices.Contains(o.Allow, topic) {
		return true
	}
	switch topic {
	case audit.TopicTags, audit.TopicPlatform:
		return o.KeepTags || topic == audit.TopicPlatform && len(o.Audit.MacOS.RequireArchs) > 0
	case audit.TopicLibraries:
		return o.KeepTags && a.plan.policy != nil || slices.Contains(a.plan.missing, f.Library)
	case audit.TopicSignatures:
		return o.Audit.Dyld.DylibsOnly
	case audit.TopicPaths:
		return o.MacOS.KeepRPaths || o.Audit.Dyld.DylibsOnly || slices.Contains(a.plan.missing, f.Library)
	}
	return false
}
