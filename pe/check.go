package pe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/overlay"
)

// facts is all that an image says to its loader.
type facts struct {
	header         Header
	sections       []Section
	imports, delay []Import
	exports        *Exports
	flags          uint16
	cert           Extent
}

// facts reads them; where tables lie in the file does not count.
func (f *File) facts() (*facts, error) {
	out := &facts{header: f.Header, sections: f.Sections}
	var errs [4]error
	out.imports, errs[0] = f.Imports()
	out.delay, errs[1] = f.DelayImports()
	out.exports, errs[2] = f.Exports()
	config, err := f.LoadConfig()
	if config != nil {
		out.flags = config.DependentLoadFlags
	}
	errs[3] = err
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	out.cert, err = f.Certificate()
	return out, err
}

// readBack holds the edited image to what was asked for: the new names, and everything
// else as it was.
func (p *plan) readBack(ctx context.Context, o *overlay.Overlay) error {
	want, err := p.f.facts()
	if err != nil {
		return err
	}
	after, err := NewFile(o, o.Size())
	if err != nil {
		return fmt.Errorf("the edited image is not sound, so the edit is refused: %w", err)
	}
	got, err := after.facts()
	if err != nil {
		return fmt.Errorf("the edited image is not sound, so the edit is refused: %w", err)
	}
	p.expect(want)
	if want.header.CheckSum != 0 {
		if want.header.CheckSum, err = after.ComputeCheckSum(ctx); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name      string
		got, want any
	}{
		{"header", got.header, want.header},
		{"section table", got.sections, want.sections},
		{"import table", plain(got.imports), plain(want.imports)},
		{"delay import table", plain(got.delay), plain(want.delay)},
		{"export table", got.exports, want.exports},
		{"DependentLoadFlags", got.flags, want.flags},
		{"certificate", got.cert, want.cert},
	} {
		if !reflect.DeepEqual(part.got, part.want) {
			return refuse("the %s of the edited image does not read back, so the edit is refused", part.name)
		}
	}
	return nil
}

// expect turns what the image said into what the edited one shall say.
func (p *plan) expect(want *facts) {
	for i := range want.imports {
		if name, ok := p.draft.names[i]; ok {
			want.imports[i].Name = name
		}
		if len(p.draft.names) > 0 {
			want.imports[i].Bound = false
		}
	}
	for i, name := range p.draft.delayed {
		want.delay[i].Name, want.delay[i].Bound = name, false
	}
	if p.draft.setFlags {
		want.flags = p.draft.flags
	}
	want.sections, want.cert = p.sections, Extent{}
	want.header.Sections, want.header.SizeOfImage = len(p.sections), p.sized
	if added := len(p.sections) - len(p.f.Sections); added > 0 {
		want.header.InitializedData += p.sections[len(p.sections)-1].RawSize
	}
}

// plain returns imports without where they lie.
func plain(imports []Import) []Import {
	out := make([]Import, len(imports))
	for i, d := range imports {
		out[i] = Import{Name: d.Name, Symbols: d.Symbols, Bound: d.Bound, VA: d.VA}
	}
	return out
}

// CheckWritten reads back a file that [overlay.Overlay.WriteFile] has written, and
// compares its size, headers and tables with the image.
func CheckWritten(o *overlay.Overlay, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != o.Size() {
		return fmt.Errorf("%d bytes are written, want %d", info.Size(), o.Size())
	}
	var read [2]*facts
	var directories [2][]Directory
	for i, open := range []func() (*File, error){
		func() (*File, error) { return NewFile(o, o.Size()) },
		func() (*File, error) { return NewFile(f, info.Size()) },
	} {
		image, err := open()
		if err == nil {
			read[i], err = image.facts()
		}
		if err != nil {
			return fmt.Errorf("what is written does not read back: %w", err)
		}
		directories[i] = image.Directories
	}
	if !reflect.DeepEqual(read[0], read[1]) || !slices.Equal(directories[0], directories[1]) {
		return errors.New("what is written reads back as something else")
	}
	return nil
}

// EditFile edits the PE file at a path, or where links lead from there. The file is
// replaced in one step, when the new one has been written and read back; an edit that is
// refused leaves it as it is, and one that changes nothing does not touch it. Errors are
// those of [NewFile] and [File.Edit], with the path, and of the file system.
func EditFile(ctx context.Context, path string, edits ...Edit) error {
	return atomicfile.EditFile(ctx, path, func(r *steady.Reader) (*overlay.Overlay, error) {
		f, err := NewFile(r, r.Size())
		if err != nil {
			return nil, err
		}
		return f.Edit(ctx, edits...)
	}, CheckWritten)
}
