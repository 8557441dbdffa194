package repair

import (
	"bytes"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/sbom"
	"github.com/wheelmend/wheelmend/wheel"
)

// graftMode is the mode of every graft: what it was on the build machine
// differs between distributions, and does not matter to the loader.
const graftMode fs.FileMode = 0o755

// An application carries a plan out.
type application struct {
	plan   *Plan
	writer *wheel.Writer
	record *wheel.Record
	time   time.Time                   // of new members
	copied map[string]*wheel.Member    // members of the input that were taken over
	images map[string]*overlay.Overlay // edited and grafted members, by their name in the result
	share  *share
	parts  *parts

	findings []string // what verification says of the result, and no repair changes
}

// fill collects the members of the result. It decides nothing.
func (a *application) fill() error {
	edited := map[string]*overlay.Overlay{}
	for i := range a.plan.Edits {
		edited[a.plan.Edits[i].Member] = a.parts.edits[i]
	}
	skip := map[string]bool{a.infoName(): true, a.plan.contents.Reader.DistInfo() + "/RECORD": true}
	for _, name := range a.plan.Removed {
		skip[name] = true
	}
	patched := map[string][]byte{}
	for _, p := range a.plan.Patched {
		patched[p.Member] = p.content
	}
	for _, m := range a.plan.contents.Reader.Members() {
		if skip[m.Name] {
			continue
		}
		if text, ok := patched[m.Name]; ok {
			a.writer.Add(wheel.Header{Name: m.Name, Mode: m.Mode, Modified: m.Modified}, bytes.NewReader(text))
			continue
		}
		a.addMember(m, edited[m.Name])
	}
	return a.addNew()
}

func (a *application) infoName() string { return a.plan.contents.Reader.DistInfo() + "/WHEEL" }

// addMember takes a member over, edited or as it is.
func (a *application) addMember(m *wheel.Member, image *overlay.Overlay) {
	if image == nil || !image.Edited() {
		if m.IsDir() && m.CompressedSize > 0 { // what is no content is not worth keeping
			a.writer.Add(wheel.Header{Name: m.Name, Mode: m.Mode, Modified: m.Modified}, nil)
			return
		}
		row, _ := a.record.Row(m.Name)
		a.copyMember(m, row)
		return
	}
	header := wheel.Header{Name: m.Name, Mode: m.Mode, Modified: m.Modified}
	a.images[header.Name] = image
	a.writer.AddEdited(header, image, m, runsOf(image))
}

// runsOf tells the writer what an edited image has in common with the original.
func runsOf(image *overlay.Overlay) []wheel.Run {
	var runs []wheel.Run
	for _, r := range image.Runs() {
		runs = append(runs, wheel.Run(r))
	}
	return runs
}

func (a *application) copyMember(m *wheel.Member, row wheel.RecordRow) {
	a.copied[m.Name] = m
	a.writer.Copy(m, row)
}

// addNew adds what the wheel did not have.
func (a *application) addNew() error {
	for i := range a.plan.Grafts {
		a.addGraft(&a.plan.Grafts[i], a.parts.grafts[i])
	}
	for _, m := range a.plan.Added {
		a.add(m.Member, 0o644, m.content)
	}
	if a.plan.SBOM != "" {
		a.add(a.plan.SBOM, 0o644, a.parts.bill)
	}
	return a.addInfo()
}

func (a *application) add(name string, mode fs.FileMode, content []byte) {
	a.writer.Add(wheel.Header{Name: name, Mode: mode, Modified: a.time}, bytes.NewReader(content))
}

// addGraft adds a library, out of a wheel of the same run that has it already
// if there is one: patched and compressed once is enough.
func (a *application) addGraft(g *Graft, image *overlay.Overlay) {
	if m, row, ok := a.share.lookup(g, a.time); ok {
		a.writer.CopyAs(g.Member, m, row)
		return
	}
	a.images[g.Member] = image
	a.writer.AddCached(wheel.Header{Name: g.Member, Mode: graftMode, Modified: a.time}, image, graftKey(g, time.Time{}))
}

// addInfo writes WHEEL with its new tags, or takes it over when they are the same.
func (a *application) addInfo() error {
	r := a.plan.contents.Reader
	member, ok := r.Lookup(a.infoName())
	if !ok {
		return fmt.Errorf("%s: missing", a.infoName())
	}
	info, err := r.Info()
	if err != nil {
		return err
	}
	before := info.Bytes()
	info.Plain()
	if !a.plan.options.KeepTags {
		info.SetTags(a.plan.Tags)
		if a.plan.pure {
			info.SetRootIsPurelib(false)
		}
	}
	if bytes.Equal(before, info.Bytes()) {
		row, _ := a.record.Row(member.Name)
		a.copyMember(member, row)
		return nil
	}
	a.writer.Add(wheel.Header{Name: member.Name, Mode: member.Mode, Modified: member.Modified}, bytes.NewReader(info.Bytes()))
	return nil
}

// billOfMaterials describes the grafts of a plan.
func billOfMaterials(p *Plan, packages packages) ([]byte, error) {
	grafts, err := p.system.describe(p, packages)
	if err != nil {
		return nil, err
	}
	for i, g := range grafts {
		if g.Package != nil {
			p.Grafts[i].Package = g.Package.Name + " " + g.Package.Version
		}
	}
	name := p.contents.Filename
	return sbom.Encode(
		sbom.Wheel{Name: name.Name, Version: name.Version, Filename: p.Output, Lowered: p.loweredLines()},
		grafts, sbom.Tool{Name: p.options.Tool.Name, Version: p.options.Tool.Version},
	)
}

// packages opens the database that tells which package a library of the system comes
// from, when the first one is asked for.
type packages func() (*sbom.Database, error)

func newPackages(sysroot string) packages {
	return sync.OnceValues(func() (*sbom.Database, error) {
		root, err := linkage.NewRoot(sysroot)
		if err != nil {
			return nil, err
		}
		return sbom.OpenDatabase(root.Files())
	})
}
