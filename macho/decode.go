package macho

import (
	"fmt"

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
}

// commandKinds lists the load commands that are looked into.
var commandKinds = map[types.LoadCmd]commandKind{
	types.LC_ID_DYLIB:                 {24, 8},
	types.LC_LOAD_DYLIB:               {24, 8},
	types.LC_LOAD_WEAK_DYLIB:          {24, 8},
	types.LC_REEXPORT_DYLIB:           {24, 8},
	types.LC_LOAD_UPWARD_DYLIB:        {24, 8},
	types.LC_LAZY_LOAD_DYLIB:          {24, 8},
	types.LC_RPATH:                    {12, 8},
	types.LC_UUID:                     {24, 0},
	types.LC_BUILD_VERSION:            {24, 0},
	types.LC_VERSION_MIN_MACOSX:       {16, 0},
	types.LC_VERSION_MIN_IPHONEOS:     {16, 0},
	types.LC_VERSION_MIN_TVOS:         {16, 0},
	types.LC_VERSION_MIN_WATCHOS:      {16, 0},
	types.LC_SEGMENT:                  {56, 0},
	types.LC_SEGMENT_64:               {72, 0},
	types.LC_CODE_SIGNATURE:           {16, 0},
	types.LC_SEGMENT_SPLIT_INFO:       {16, 0},
	types.LC_FUNCTION_STARTS:          {16, 0},
	types.LC_DATA_IN_CODE:             {16, 0},
	types.LC_DYLIB_CODE_SIGN_DRS:      {16, 0},
	types.LC_DYLD_EXPORTS_TRIE:        {16, 0},
	types.LC_DYLD_CHAINED_FIXUPS:      {16, 0},
	types.LC_SYMTAB:                   {24, 0},
	types.LC_DYSYMTAB:                 {80, 0},
	types.LC_DYLD_INFO:                {48, 0},
	types.LC_DYLD_INFO_ONLY:           {48, 0},
	types.LC_MAIN:                     {24, 0},
	types.LC_ENCRYPTION_INFO:          {20, 0},
	types.LC_ENCRYPTION_INFO_64:       {24, 0},
	types.LC_NOTE:                     {40, 0},
	types.LC_LINKER_OPTIMIZATION_HINT: {16, 0},
}

// loads lists the commands that load a library, with the kind that each says. They are
// what the ordinals of two-level namespaces count.
var loads = map[types.LoadCmd]DylibKind{
	types.LC_LOAD_DYLIB:        Load,
	types.LC_LOAD_WEAK_DYLIB:   Weak,
	types.LC_REEXPORT_DYLIB:    Reexport,
	types.LC_LOAD_UPWARD_DYLIB: Upward,
	types.LC_LAZY_LOAD_DYLIB:   Lazy,
}

// decode reads the commands that name the image, its libraries and its search paths,
// and those that say where it runs. checkCommand has held each to its size.
func (s *Slice) decode() {
	for i := range s.commands {
		c := &s.commands[i]
		switch {
		case c.cmd == types.LC_ID_DYLIB:
			s.ID = s.text(c)
		case c.cmd == types.LC_RPATH:
			s.RPaths = append(s.RPaths, s.text(c))
		case c.cmd == types.LC_UUID:
			s.UUID = types.UUID(c.data[8:24]).String()
		case isDylib(c.cmd):
			current, compat := Version(s.u32(c, 16)), Version(s.u32(c, 20))
			s.Dylibs = append(s.Dylibs, Dylib{s.text(c), s.dylibKind(c), current, compat})
		}
	}
	s.takeVersions()
}

// dylibKind returns how a command loads its library. The flags of a dylib_use_command
// decide over the command.
func (s *Slice) dylibKind(c *command) DylibKind {
	switch flags := s.useFlags(c); {
	case flags&types.DYLIB_USE_WEAK_LINK != 0:
		return Weak
	case flags&types.DYLIB_USE_REEXPORT != 0:
		return Reexport
	case flags&types.DYLIB_USE_UPWARD != 0:
		return Upward
	case flags&types.DYLIB_USE_DELAYED_INIT != 0:
		return Lazy
	}
	return loads[c.cmd]
}

// useFlags returns the flags of a dylib_use_command, 0 for any other. Since macOS 15 it
// stands for the commands that dyld loads at once; its name is at byte 28, and a marker
// is where others have a time (<mach-o/loader.h>).
func (s *Slice) useFlags(c *command) types.DylibUseFlags {
	const size = 28 // of its fields, in bytes
	if c.cmd == types.LC_LAZY_LOAD_DYLIB || s.u32(c, 8) != size || s.u32(c, 12) != types.DYLIB_USE_MARKER {
		return 0
	}
	return types.DylibUseFlags(s.u32(c, 24))
}
