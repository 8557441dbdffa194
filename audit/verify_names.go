package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// claimNames adds the claims that the file name, the .dist-info directory,
// METADATA and WHEEL say the same (PEP 427; pip refuses some of what differs).
func (p *Proof) claimNames(c *Contents) {
	p.claim(TopicNames, "the .dist-info directory and METADATA belong to the wheel of this name",
		c.Reader.DistInfo()+", Name and Version", identityFaults(c))
	info, err := c.Reader.Info()
	if err != nil {
		p.claim(TopicNames, "WHEEL can be read", "PEP 427", []Fault{newFault(err)})
		return
	}
	member := c.Reader.DistInfo() + "/WHEEL"
	p.claim(TopicTags, "the Tag lines of WHEEL are those that the file name stands for",
		phrase.Count(len(c.Filename.Tags()), "tag"), c.tagFaults(info))
	p.claim(TopicNames, "the build number of WHEEL is that of the file name", buildBasis(c.Filename.Build), buildFaults(c.Filename, info, member))
}

// identityFaults compares who the wheel is by its parts.
func identityFaults(c *Contents) []Fault {
	var faults []Fault
	name, distInfo := c.Filename, c.Reader.DistInfo()
	_, version, _ := strings.Cut(strings.TrimSuffix(distInfo, ".dist-info"), "-")
	if !name.Owns(distInfo) {
		faults = append(faults, Fault{File: distInfo, Reason: fmt.Sprintf("it is not the folder of %s, which the file name names", name.Name)})
	} else if !wheel.SameVersion(version, name.Version) {
		faults = append(faults, Fault{File: distInfo, Reason: fmt.Sprintf("it is the folder of version %s, the file name is for %s", version, name.Version)})
	}
	member := distInfo + "/METADATA"
	meta, err := c.Reader.Metadata()
	if err != nil {
		return append(faults, newFault(err))
	}
	if !wheel.SameName(meta.Name, name.Name) {
		faults = append(faults, Fault{File: member, Reason: fmt.Sprintf("Name is %s, the file name has %s", meta.Name, name.Name)})
	}
	if !wheel.SameVersion(meta.Version, name.Version) {
		faults = append(faults, Fault{File: member, Reason: fmt.Sprintf("Version is %s, the file name has %s", meta.Version, name.Version)})
	}
	return faults
}

// tagFaults compares the Tag lines of WHEEL, expanded, with the tags that the
// file name stands for.
func (c *Contents) tagFaults(info *wheel.Info) []Fault {
	var faults []Fault
	member := c.Reader.DistInfo() + "/WHEEL"
	inName, inLines := map[string]bool{}, map[string]bool{}
	for _, t := range c.Filename.Tags() {
		inName[t.String()] = true
	}
	for _, line := range info.Tags() {
		tags, err := wheel.ParseTag(line)
		if err != nil {
			faults = append(faults, Fault{File: member, Reason: err.Error()})
			continue
		}
		for _, t := range tags {
			inLines[t.String()] = true
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(inName)) {
		if !inLines[tag] {
			faults = append(faults, Fault{File: member, Reason: "it has no Tag line for " + tag + ", which the file name stands for"})
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(inLines)) {
		if !inName[tag] {
			faults = append(faults, Fault{File: member, Reason: "it has a Tag line for " + tag + ", which the file name does not stand for"})
		}
	}
	return faults
}

func buildBasis(build string) string {
	if build == "" {
		return "the file name has none"
	}
	return "Build: " + build
}

func buildFaults(name wheel.Filename, info *wheel.Info, member string) []Fault {
	if info.Build() == name.Build {
		return nil
	}
	return []Fault{{File: member, Reason: fmt.Sprintf("Build is %q, the file name has %q", info.Build(), name.Build)}}
}

// claimPyPI adds the claim that PyPI takes the platform tags of the file name. An
// architecture of Linux for which it takes no tag at all leaves that open: nothing that
// its builders could do would change it.
func (p *Proof) claimPyPI(c *Contents) {
	var faults, open []Fault
	for _, tag := range c.Filename.Platform {
		ok, why := policy.PyPITakes(tag)
		if ok {
			continue
		}
		fault := Fault{Reason: tag + ": " + why}
		platform, err := policy.ParsePlatform(tag)
		if err == nil && len(policy.PyPITags(platform)) == 0 {
			open = append(open, fault)
		} else {
			faults = append(faults, fault)
		}
	}
	const basis = "the rules of warehouse for file names"
	switch {
	case len(faults) == 0 && len(open) > 0:
		p.unchecked(TopicPyPI, "PyPI takes the platform tags", "it takes no wheels for this architecture", open)
	default:
		p.claim(TopicPyPI, "PyPI takes the platform tags", basis, append(faults, open...))
	}
}
