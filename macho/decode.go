package macho

import (
	"bytes"
	"fmt"
	"slices"

	gomacho "github.com/blacktop/go-macho"
	"github.com/blacktop/go-macho/types"
)

// A Dylib is a library that an image loads.
type Dylib struct {
	Name    string // install name: path, @rpath/…, @loader_path/… or @executable_path/…
	Kind    DylibKind
	Current Version // of the library that was linked against
	Compat  Version // oldest version that will do
}

// A DylibKind says how a library is loaded.
type DylibKind int

// The kinds are the load commands of <mach-o/loader.h>: a weak library may be
// missing, the symbols of a re-exported one are the image's own, an upward one
// does not have to be initialised first, a lazy one is loaded at first use.
const (
	Load DylibKind = iota
	Weak
	Reexport
	Upward
	Lazy
)

var dylibKinds = []string{"load", "weak", "reexport", "upward", "lazy"}

func (k DylibKind) String() string {
	if k < 0 || int(k) >= len(dylibKinds) {
		return fmt.Sprintf("DylibKind(%d)", int(k))
	}
	return dylibKinds[k]
}

// A commandKind is what is checked of a command before it is decoded.
type commandKind struct {
	size int64 // least cmdsize, in bytes
	text int   // offset of the field with the offset of the string, 0 if it has none
	read bool  // go-macho decodes it
}

// commandKinds lists the load commands that are looked into.
var commandKinds = map[types.LoadCmd]commandKind{
	types.LC_ID_DYLIB:                 {24, 8, true},
	types.LC_LOAD_DYLIB:               {24, 8, true},
	types.LC_LOAD_WEAK_DYLIB:          {24, 8, true},
	types.LC_REEXPORT_DYLIB:           {24, 8, true},
	types.LC_LOAD_UPWARD_DYLIB:        {24, 8, true},
	types.LC_LAZY_LOAD_DYLIB:          {24, 8, true},
	types.LC_RPATH:                    {12, 8, true},
	types.LC_UUID:                     {24, 0, true},
	types.LC_BUILD_VERSION:            {24, 0, false},
	types.LC_VERSION_MIN_MACOSX:       {16, 0, false},
	types.LC_VERSION_MIN_IPHONEOS:     {16, 0, false},
	types.LC_VERSION_MIN_TVOS:         {16, 0, false},
	types.LC_VERSION_MIN_WATCHOS:      {16, 0, false},
	types.LC_SEGMENT:                  {56, 0, false},
	types.LC_SEGMENT_64:               {72, 0, false},
	types.LC_CODE_SIGNATURE:           {16, 0, false},
	types.LC_SEGMENT_SPLIT_INFO:       {16, 0, false},
	types.LC_FUNCTION_STARTS:          {16, 0, false},
	types.LC_DATA_IN_CODE:             {16, 0, false},
	types.LC_DYLIB_CODE_SIGN_DRS:      {16, 0, false},
	types.LC_DYLD_EXPORTS_TRIE:        {16, 0, false},
	types.LC_DYLD_CHAINED_FIXUPS:      {16, 0, false},
	types.LC_SYMTAB:                   {24, 0, false},
	types.LC_DYSYMTAB:                 {80, 0, false},
	types.LC_DYLD_INFO:                {48, 0, false},
	types.LC_DYLD_INFO_ONLY:           {48, 0, false},
	types.LC_MAIN:                     {24, 0, false},
	types.LC_ENCRYPTION_INFO:          {20, 0, false},
	types.LC_ENCRYPTION_INFO_64:       {24, 0, false},
	types.LC_NOTE:                     {40, 0, false},
	types.LC_LINKER_OPTIMIZATION_HINT: {16, 0, false},
}

// decode lets go-macho read the commands that name libraries and search paths. It gets the header and the commands, which have been checked, and
// not the file.
func (s *Slice) decode() error {
	var include []types.LoadCmd
	for cmd, kind := range commandKinds {
		if kind.read {
			include = append(include, cmd)
		}
	}
	slices.Sort(include)
	image := slices.Clone(s.header)
	for _, c := range s.commands {
		image = append(image, c.data...)
	}
	f, err := gomacho.NewFile(bytes.NewReader(image), gomacho.FileConfig{LoadIncluding: include})
	if err != nil {
		return formatErr(s.headerSize(), "load commands: %v", err)
	}
	for _, load := range f.Loads {
		s.take(load)
	}
	s.takeVersions()
	return nil
}

// take keeps what a decoded command says.
func (s *Slice) take(load gomacho.Load) {
	switch l := load.(type) {
	case *gomacho.IDDylib:
		s.ID = l.Name
	case *gomacho.LoadDylib:
		s.addDylib(&l.Dylib, Load)
	case *gomacho.WeakDylib:
		s.addDylib(&l.Dylib, Weak)
	case *gomacho.ReExportDylib:
		s.addDylib(&l.Dylib, Reexport)
	case *gomacho.UpwardDylib:
		s.addDylib(&l.Dylib, Upward)
	case *gomacho.LazyLoadDylib:
		s.addDylib(&l.Dylib, Lazy)
	case *gomacho.Rpath:
		s.RPaths = append(s.RPaths, l.Path)
	case *gomacho.UUID:
		s.UUID = fmt.Sprint(l.UUID)
	}
}

// addDylib keeps a library. The flags of a dylib_use_command, which macOS 15
// introduced, decide over its command.
func (s *Slice) addDylib(l *gomacho.Dylib, kind DylibKind) {
	switch {
	case l.Flags&types.DYLIB_USE_WEAK_LINK != 0:
		kind = Weak
	case l.Flags&types.DYLIB_USE_REEXPORT != 0:
		kind = Reexport
	case l.Flags&types.DYLIB_USE_UPWARD != 0:
		kind = Upward
	case l.Flags&types.DYLIB_USE_DELAYED_INIT != 0:
		kind = Lazy
	}
	s.Dylibs = append(s.Dylibs, Dylib{l.Name, kind, Version(l.CurrentVersion), Version(l.CompatVersion)})
}
