package macho

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/blacktop/go-macho/types"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// An Edit is one change to a slice, made by one of the constructors below and
// carried out by [File.Edit].
type Edit func(*draft) error

// A draft is what the load commands of the edited slice shall say.
type draft struct {
	s        *Slice
	commands []command
	ordinals []int  // for each library of the original, its ordinal in the result, 0 when it is gone
	sign     bool   // even if nothing changes
	ident    string // of the signature, "" to keep the old one
}

func newDraft(s *Slice) *draft {
	d := &draft{s: s, commands: slices.Clone(s.commands)}
	for i := range s.Dylibs {
		d.ordinals = append(d.ordinals, i+1)
	}
	return d
}

// changed reports whether the load commands say something else than they did.
func (d *draft) changed() bool { return !sameCommands(d.commands, d.s.commands) }

func sameCommands(a, b []command) bool {
	return slices.EqualFunc(a, b, func(x, y command) bool { return bytes.Equal(x.data, y.data) })
}

// isDylib reports whether a command loads a library, and so counts for the
// ordinals of two-level namespaces.
func isDylib(cmd types.LoadCmd) bool {
	_, ok := loads[cmd]
	return ok
}

// text returns the string of a command.
func (s *Slice) text(c *command) string {
	return cString(c.data[s.u32(c, commandKinds[c.cmd].text):])
}

// find returns the index of the first command with that string whose kind want
// accepts, -1 if there is none.
func (d *draft) find(text string, want func(types.LoadCmd) bool) int {
	return slices.IndexFunc(d.commands, func(c command) bool { return want(c.cmd) && d.s.text(&c) == text })
}

func isRPath(cmd types.LoadCmd) bool { return cmd == types.LC_RPATH }

// checkText rejects what a load command cannot hold.
func checkText(what, text string) error {
	if text == "" {
		return fmt.Errorf("empty %s", what)
	}
	if strings.IndexByte(text, 0) >= 0 {
		return fmt.Errorf("%s %q has a NUL byte", what, text)
	}
	return nil
}

// setText replaces the string of a command and keeps what comes before it.
func (d *draft) setText(i int, text string) {
	c := &d.commands[i]
	if d.s.text(c) == text {
		return
	}
	kind := commandKinds[c.cmd]
	c.data = d.s.padCommand(append(slices.Clone(c.data[:d.s.u32(c, kind.text)]), text...))
}

// padCommand ends the string at the end of data, pads to the size of a word, as
// the format asks for, and sets cmdsize.
func (s *Slice) padCommand(data []byte) []byte {
	word := 4
	if s.Arch.Is64() {
		word = 8
	}
	data = append(data, 0)
	for len(data)%word != 0 {
		data = append(data, 0)
	}
	s.order.PutUint32(data[4:], uint32(len(data)))
	return data
}

// textCommand returns a new command whose string follows its fields.
func (s *Slice) textCommand(cmd types.LoadCmd, text string, fields ...uint32) command {
	var data []byte
	for _, v := range append([]uint32{uint32(cmd), 0, uint32(12 + 4*len(fields))}, fields...) {
		data = s.appendU32(data, v)
	}
	return command{cmd: cmd, data: s.padCommand(append(data, text...))}
}

func (s *Slice) appendU32(b []byte, v uint32) []byte {
	var field [4]byte
	s.order.PutUint32(field[:], v)
	return append(b, field[:]...)
}

// SetID sets the install name that a library is known by (LC_ID_DYLIB). Only
// libraries have one.
func SetID(name string) Edit {
	return func(d *draft) error {
		if err := checkText("install name", name); err != nil {
			return err
		}
		i := slices.IndexFunc(d.commands, func(c command) bool { return c.cmd == types.LC_ID_DYLIB })
		if i < 0 {
			return fmt.Errorf("no install name (LC_ID_DYLIB) to set: this is %v, not a library (MH_DYLIB)", d.s.Type)
		}
		d.setText(i, name)
		return nil
	}
}

// ReplaceDylib renames a library that the slice loads, whatever its kind and however
// often it is there. A name that is loaded several times then becomes one command:
// recent dyld refuses two. A library that is not loaded is an error.
func ReplaceDylib(old, name string) Edit {
	return func(d *draft) error {
		if err := checkText("library name", name); err != nil {
			return err
		}
		if d.find(old, isDylib) < 0 {
			return d.notLoaded(old)
		}
		if old == name {
			return nil
		}
		renamed := map[int]bool{}
		for i := range d.commands {
			if c := &d.commands[i]; isDylib(c.cmd) && d.s.text(c) == old {
				d.setText(i, name)
				renamed[i] = true
			}
		}
		d.mergeDylibs(renamed, func(n string) bool { return n == name })
		return nil
	}
}

// An absentError reports that what an edit removes or replaces is not there.
type absentError struct{ error }

func absentf(format string, args ...any) error {
	return absentError{fmt.Errorf(format, args...)}
}

func (d *draft) notLoaded(name string) error {
	var names []string
	for i := range d.commands {
		if c := &d.commands[i]; isDylib(c.cmd) {
			names = append(names, escaped(d.s.text(c)))
		}
	}
	if len(names) == 0 {
		return absentf("%q is not loaded: the %v slice loads no library", name, d.s.Arch)
	}
	return absentf("%q is not loaded: the %v slice loads %s", name, d.s.Arch, phrase.Some(names, 20))
}

// escaped returns a name from a file as it can be shown among others.
func escaped(name string) string {
	quoted := strconv.Quote(name)
	return quoted[1 : len(quoted)-1]
}

// ordinal returns the position of a library's command among those of its like,
// from 1 on (<mach-o/loader.h>, GET_LIBRARY_ORDINAL).
func (d *draft) ordinal(i int) int {
	n := 1
	for _, c := range d.commands[:i] {
		if isDylib(c.cmd) {
			n++
		}
	}
	return n
}

// mergeDylibs makes one command of those that load a library of the same name, if
// that is one to merge, so that what was bound to any of them is bound to it. The
// first place is kept: bind opcodes have room for smaller ordinals, not for larger
// ones. Of two that ask for the same, one that was not renamed is kept.
func (d *draft) mergeDylibs(renamed map[int]bool, merge func(name string) bool) {
	type place struct {
		at, ordinal int
		renamed     bool
	}
	first := map[string]place{}
	var commands []command
	now := []int{0} // ordinals, by those before
	count := 0
	for i, c := range d.commands {
		if !isDylib(c.cmd) {
			commands = append(commands, c)
			continue
		}
		name := d.s.text(&c)
		p, again := first[name]
		if !again || !merge(name) {
			count++
			commands, now = append(commands, c), append(now, count)
			if !again {
				first[name] = place{len(commands) - 1, count, renamed[i]}
			}
			continue
		}
		now = append(now, p.ordinal)
		kept := &commands[p.at]
		if a, b := d.s.strength(&c), d.s.strength(kept); a > b || a == b && p.renamed && !renamed[i] {
			*kept, p.renamed = c, renamed[i]
			first[name] = p
		}
	}
	d.commands = commands
	for k, ordinal := range d.ordinals {
		if ordinal > 0 {
			d.ordinals[k] = now[ordinal]
		}
	}
}

// strengths tells which of two commands for one library asks for more.
var strengths = map[types.LoadCmd]int{
	types.LC_REEXPORT_DYLIB: 4, types.LC_LOAD_DYLIB: 3, types.LC_LOAD_UPWARD_DYLIB: 2, types.LC_LAZY_LOAD_DYLIB: 1,
}

// strength returns how much the command of a library asks for. The flags of a
// dylib_use_command say more than its command (<mach-o/loader.h>).
func (s *Slice) strength(c *command) int {
	switch flags := s.useFlags(c); {
	case flags&types.DYLIB_USE_REEXPORT != 0:
		return strengths[types.LC_REEXPORT_DYLIB]
	case flags&types.DYLIB_USE_WEAK_LINK != 0:
		return strengths[types.LC_LOAD_WEAK_DYLIB]
	case flags&types.DYLIB_USE_UPWARD != 0:
		return strengths[types.LC_LOAD_UPWARD_DYLIB]
	case flags&types.DYLIB_USE_DELAYED_INIT != 0:
		return strengths[types.LC_LAZY_LOAD_DYLIB]
	}
	return strengths[c.cmd]
}

// DedupeDylibs makes one command of those that load a library of the same name, in
// the first place and of the kind that asks for most: a re-exported library stays
// re-exported. What was bound to any of them is bound to it. A slice that loads each
// once stays as it is.
func DedupeDylibs() Edit {
	return func(d *draft) error {
		d.mergeDylibs(nil, func(string) bool { return true })
		return nil
	}
}

// dropDylib takes the command with that ordinal out. Libraries of the original
// that had it get its negative.
func (d *draft) dropDylib(i, ordinal int) {
	d.commands = slices.Delete(d.commands, i, i+1)
	for k, now := range d.ordinals {
		switch {
		case now == ordinal:
			d.ordinals[k] = -ordinal
		case now > ordinal:
			d.ordinals[k]--
		}
	}
}

// AddDylib adds a library behind the others, so that their ordinals stay. A name
// that is loaded already stays as it is.
func AddDylib(name string) Edit {
	return func(d *draft) error {
		if err := checkText("library name", name); err != nil {
			return err
		}
		if d.find(name, isDylib) >= 0 {
			return nil
		}
		// What install_name_tool and the linkers write for a library of no version.
		const timestamp, version = 2, 0
		d.insert(isDylib, d.s.textCommand(types.LC_LOAD_DYLIB, name, timestamp, version, version))
		return nil
	}
}

// insert puts a command behind the last one of its like, else at the end, where
// only LC_CODE_SIGNATURE may follow.
func (d *draft) insert(like func(types.LoadCmd) bool, c command) {
	at := len(d.commands)
	for at > 0 && d.commands[at-1].cmd == types.LC_CODE_SIGNATURE {
		at--
	}
	for i := len(d.commands) - 1; i >= 0; i-- {
		if like(d.commands[i].cmd) {
			at = i + 1
			break
		}
	}
	d.commands = slices.Insert(d.commands, at, c)
}

// RemoveDylib removes a library from which the slice imports nothing. One that
// symbols are bound to cannot go, and one that is not loaded is an error.
func RemoveDylib(name string) Edit {
	return func(d *draft) error {
		i := d.find(name, isDylib)
		if i < 0 {
			return d.notLoaded(name)
		}
		ordinal := d.ordinal(i)
		used, err := d.s.importsOf(d.originals(ordinal))
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return fmt.Errorf("%q cannot be removed from the %v slice: %s is imported from it", name, d.s.Arch, escaped(used[0]))
		}
		d.dropDylib(i, ordinal)
		return nil
	}
}

// originals returns the ordinals in the original of what has this one now.
func (d *draft) originals(ordinal int) []int {
	var found []int
	for k, now := range d.ordinals {
		if now == ordinal {
			found = append(found, k+1)
		}
	}
	return found
}

// AddRPath adds a search path behind the others. One that is there already stays
// where it is: recent dyld refuses two.
func AddRPath(path string) Edit {
	return func(d *draft) error {
		if err := checkText("rpath", path); err != nil {
			return err
		}
		if d.find(path, isRPath) < 0 {
			d.insert(isRPath, d.s.textCommand(types.LC_RPATH, path))
		}
		return nil
	}
}

// RemoveRPath removes a search path, each time that it is there. One that is not
// there is an error.
func RemoveRPath(path string) Edit {
	return func(d *draft) error {
		if d.find(path, isRPath) < 0 {
			return d.noRPath(path)
		}
		d.dropRPath(path)
		return nil
	}
}

func (d *draft) dropRPath(path string) {
	d.commands = slices.DeleteFunc(d.commands, func(c command) bool { return isRPath(c.cmd) && d.s.text(&c) == path })
}

func (d *draft) noRPath(path string) error {
	var paths []string
	for i := range d.commands {
		if c := &d.commands[i]; isRPath(c.cmd) {
			paths = append(paths, d.s.text(c))
		}
	}
	return absentf("the %v slice has no rpath %q; it has %q", d.s.Arch, path, paths)
}

// DedupeRPaths removes a search path where the same one stands in front of it: what
// is found stays, and recent dyld refuses two. A slice that has each once stays as it
// is.
func DedupeRPaths() Edit {
	return func(d *draft) error {
		seen := map[string]bool{}
		d.commands = slices.DeleteFunc(d.commands, func(c command) bool {
			if !isRPath(c.cmd) {
				return false
			}
			path := d.s.text(&c)
			again := seen[path]
			seen[path] = true
			return again
		})
		return nil
	}
}

// ReplaceRPath replaces a search path where it first stands, and removes it elsewhere.
// One that is not there is an error.
func ReplaceRPath(old, path string) Edit {
	return func(d *draft) error {
		if err := checkText("rpath", path); err != nil {
			return err
		}
		i := d.find(old, isRPath)
		switch {
		case i < 0:
			return d.noRPath(old)
		case old == path:
			return nil
		case d.find(path, isRPath) < 0:
			d.setText(i, path)
		}
		d.dropRPath(old)
		return nil
	}
}

// ClearRPaths removes all search paths. A slice without any stays as it is.
func ClearRPaths() Edit {
	return func(d *draft) error {
		d.commands = slices.DeleteFunc(d.commands, func(c command) bool { return isRPath(c.cmd) })
		return nil
	}
}

// SetRPaths makes these the search paths, in this order, where the first one stood;
// of two equal ones the first counts.
func SetRPaths(paths ...string) Edit {
	return func(d *draft) error {
		var commands []command
		for i, path := range paths {
			if err := checkText("rpath", path); err != nil {
				return err
			}
			if !slices.Contains(paths[:i], path) {
				commands = append(commands, d.s.textCommand(types.LC_RPATH, path))
			}
		}
		at := slices.IndexFunc(d.commands, func(c command) bool { return isRPath(c.cmd) })
		if at < 0 {
			for _, c := range commands {
				d.insert(isRPath, c)
			}
			return nil
		}
		rest := slices.DeleteFunc(slices.Clone(d.commands[at:]), func(c command) bool { return isRPath(c.cmd) })
		d.commands = slices.Concat(d.commands[:at], commands, rest)
		return nil
	}
}

// Sign gives the slice a new ad-hoc signature, whether it had one or not. The
// identifier of an old one is kept if ident is "".
func Sign(ident string) Edit {
	return func(d *draft) error {
		if strings.IndexByte(ident, 0) >= 0 {
			return fmt.Errorf("identifier %q has a NUL byte", ident)
		}
		d.sign, d.ident = true, ident
		return nil
	}
}
