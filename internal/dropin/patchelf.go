package dropin

import (
	"context"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/patch"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/report"
)

// The version of patchelf whose flags these are. auditwheel wants 0.14 or newer.
const patchelfVersion = "0.19.3"

// A patchelfFlag is one flag of patchelf.
type patchelfFlag struct {
	name   string
	args   string // how the help calls its arguments, one for each word
	refuse string // why it cannot be honoured, "" if it is
	help   string
}

// patchelfFlags are the flags of patchelf, in the order of its help.
var patchelfFlags = []patchelfFlag{
	{"set-interpreter", "FILENAME", "", "make this the loader of a program"},
	{"page-size", "SIZE", "", "up to the largest page size of the architecture, which new segments are aligned to in any case"},
	{"print-interpreter", "", "", ""},
	{"print-os-abi", "", "", "print the field EI_OSABI"},
	{"set-os-abi", "ABI", "the ELF header is not edited", ""},
	{"print-soname", "", "", ""},
	{"set-soname", "SONAME", "", ""},
	{"set-rpath", "RPATH", "", "as DT_RUNPATH, or with --force-rpath as DT_RPATH"},
	{"add-rpath", "RPATH", "", "behind what is there"},
	{"remove-rpath", "", "", ""},
	{"shrink-rpath", "", "", "remove directories without a needed library"},
	{"allowed-rpath-prefixes", "PREFIXES", "", "with --shrink-rpath, remove those that begin with none of these as well"},
	{"print-rpath", "", "", ""},
	{"force-rpath", "", "", "DT_RPATH in the place of DT_RUNPATH"},
	{"add-needed", "LIBRARY", "", ""},
	{"remove-needed", "LIBRARY", "", ""},
	{"replace-needed", "LIBRARY NEW_LIBRARY", "", ""},
	{"print-needed", "", "", ""},
	{"no-default-lib", "", "DF_1_NODEFLIB is not set", ""},
	{"no-sort", "", "", "headers are never sorted"},
	{"clear-symbol-version", "SYMBOL", "", "look it up, or offer it, without a version"},
	{"add-debug-tag", "", "no DT_DEBUG is added", ""},
	{"build-resolution-cache", "", "no cache is built", ""},
	{"print-execstack", "", "", "print whether the file asks for an executable stack"},
	{"clear-execstack", "", "", "ask for no executable stack"},
	{"set-execstack", "", "", "ask for an executable stack"},
	{"rename-dynamic-symbols", "NAME_MAP_FILE", "", "OLD NEW on each line; those that the file defines are not renamed"},
	{"no-clobber-old-sections", "", "strings that moved are cleared from their old place", ""},
	{"output", "FILE", "", "write to this file"},
	{"debug", "", "", "tell more"},
	{"version", "", "", ""},
}

// A patchelfCall is a parsed command line.
type patchelfCall struct {
	given map[string][]string // the values of each flag, in their order
	files []string
}

func (c *patchelfCall) has(name string) bool { return len(c.given[name]) > 0 }

// last returns the last value of a flag.
func (c *patchelfCall) last(name string) string {
	values := c.given[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// patchelfTool takes the place of patchelf, whose flags are no usual ones: each
// argument is a word of its own, and the order of flags has no meaning.
func (a *app) patchelfTool() *cobra.Command {
	return &cobra.Command{
		Use:                "patchelf",
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				a.patchelfHelp()
				return console.ErrFailed
			}
			call, err := parsePatchelf(args)
			if err != nil {
				return err
			}
			if call.has("help") {
				a.patchelfHelp()
				return nil
			}
			if call.has("version") {
				return a.Tell("patchelf %s\n", a.standsFor(patchelfVersion))
			}
			if err := call.check(); err != nil {
				return err
			}
			for _, path := range call.files {
				if err := a.patchelf(cmd.Context(), path, call); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
			return nil
		},
	}
}

// patchelfHelp writes to stderr, as patchelf does.
func (a *app) patchelfHelp() {
	fmt.Fprintf(a.Stderr, "This is wheelmend in the place of patchelf.\n\nsyntax: patchelf\n")
	for _, f := range patchelfFlags {
		line := strings.TrimSuffix("  [--"+f.name+" "+f.args, " ") + "]"
		switch {
		case f.refuse != "":
			line += "\t\tan error: " + f.refuse
		case f.help != "":
			line += "\t\t" + f.help
		}
		fmt.Fprintln(a.Stderr, line)
	}
	fmt.Fprintln(a.Stderr, "  FILENAME...")
}

// parsePatchelf reads a command line as patchelf does. A value that begins with "@"
// names a file that holds it.
func parsePatchelf(args []string) (*patchelfCall, error) {
	c := &patchelfCall{given: map[string][]string{}}
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		name, isFlag := strings.CutPrefix(word, "--")
		switch {
		case word == "-h" || name == "help" && isFlag:
			c.given["help"] = []string{""}
			continue
		case isFlag && name == "interpreter":
			name = "set-interpreter"
		case !isFlag:
			c.files = append(c.files, word)
			continue
		}
		i := slices.IndexFunc(patchelfFlags, func(f patchelfFlag) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s is no flag of patchelf", word)
		}
		f := patchelfFlags[i]
		n := len(strings.Fields(f.args))
		if len(args) < n {
			return nil, fmt.Errorf("%s: missing argument", word)
		}
		if f.refuse != "" {
			return nil, fmt.Errorf("%s is not supported: %s", word, f.refuse)
		}
		values, err := patchelfValues(args[:n])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", word, err)
		}
		c.given[name] = append(c.given[name], values...)
		args = args[n:]
	}
	return c, nil
}

// patchelfValues returns the values of a flag, "" for one that has none.
func patchelfValues(words []string) ([]string, error) {
	if len(words) == 0 {
		return []string{""}, nil
	}
	var values []string
	for _, word := range words {
		if name, ok := strings.CutPrefix(word, "@"); ok {
			content, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			word = string(content)
		}
		values = append(values, word)
	}
	return values, nil
}

// check rejects what patchelf rejects, and what cannot be done.
func (c *patchelfCall) check() error {
	if len(c.files) == 0 {
		return errors.New("missing filename")
	}
	if c.has("output") && len(c.files) != 1 {
		return errors.New("--output option only allowed with single input file")
	}
	if text := c.last("page-size"); c.has("page-size") {
		if n, err := strconv.ParseUint(text, 10, 64); err != nil || n == 0 {
			return fmt.Errorf("--page-size %q: invalid argument", text)
		}
	}
	return nil
}

// patchelf prints and edits one file, in this order.
func (a *app) patchelf(ctx context.Context, path string, c *patchelfCall) error {
	b, err := patch.Open(path)
	if err != nil {
		return err
	}
	defer b.Close()
	image, ok := b.Image.(patch.ELF)
	if !ok {
		return errors.New("not an ELF executable")
	}
	if err := a.patchelfPrint(image, c); err != nil {
		return err
	}
	if n, err := strconv.ParseUint(c.last("page-size"), 10, 64); err == nil && n > image.MaxPage() {
		return fmt.Errorf("--page-size %d is not supported: new segments are aligned to %d bytes, the largest page size of the architecture", n, image.MaxPage())
	}
	edits, err := c.edits(image.File)
	if err != nil || len(edits) == 0 && !c.has("output") {
		return err
	}
	return patch.File(ctx, a.Console, path, &patch.Call{Edits: edits, Output: c.last("output")})
}

// patchelfPrint prints what is asked for, in patchelf's order.
func (a *app) patchelfPrint(i patch.ELF, c *patchelfCall) error {
	for _, flag := range []string{"print-interpreter", "print-os-abi", "print-soname", "print-rpath", "print-execstack", "print-needed"} {
		if !c.has(flag) {
			continue
		}
		var lines []string
		var err error
		switch {
		case flag == "print-os-abi":
			lines = []string{osABI(i.OSABI)}
		case flag == "print-execstack":
			lines = []string{"execstack: " + patch.ExecutableStack(i.File)}
		case flag != "print-soname" || !i.Dynamic() || i.Soname() != "":
			lines, err = i.Print(flag)
		}
		if err != nil {
			return err
		}
		for _, line := range lines {
			if _, err := fmt.Fprintln(a.Stdout, report.Clean(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// osABI spells EI_OSABI as patchelf does.
func osABI(v stdelf.OSABI) string {
	names := map[stdelf.OSABI]string{
		0: "System V", 1: "HP-UX", 2: "NetBSD", 3: "Linux", 4: "GNU Hurd", 6: "Solaris", 7: "AIX",
		8: "IRIX", 9: "FreeBSD", 10: "Tru64", 12: "OpenBSD", 13: "OpenVMS",
	}
	if name, ok := names[v]; ok {
		return name
	}
	return fmt.Sprintf("0x%02X", byte(v))
}

// edits translates the flags, in the order in which patchelf goes through them. A
// library that is not needed is neither removed nor replaced, without an error.
func (c *patchelfCall) edits(f *elf.File) ([]patch.Request, error) {
	var edits []patch.Request
	add := func(flag, value string) { edits = append(edits, patch.Request{Flag: flag, Value: value}) }
	for _, name := range []string{"set-interpreter", "set-soname"} {
		if c.has(name) {
			add(name, c.last(name))
		}
	}
	path, changed, err := c.searchPath(f)
	switch {
	case err != nil:
		return nil, err
	case !changed:
	case path == "" && f.RPath() == "" && f.RunPath() == "":
	case path == "":
		add("remove-rpath", patch.EveryEntry)
	case c.has("force-rpath"):
		add("set-rpath", path)
	default:
		add("set-runpath", path)
	}
	needed := f.Needed()
	for _, name := range c.given["remove-needed"] {
		if slices.Contains(needed, name) {
			add("remove-needed", name)
			needed = slices.DeleteFunc(needed, func(s string) bool { return s == name })
		}
	}
	for pair := range slices.Chunk(c.given["replace-needed"], 2) {
		if slices.Contains(needed, pair[0]) {
			add("replace-needed", pair[0]+"="+pair[1])
		}
	}
	for _, name := range c.given["add-needed"] {
		add("add-needed", name)
	}
	symbols, err := c.symbols(f)
	if err != nil {
		return nil, err
	}
	edits = append(edits, symbols...)
	for _, name := range []string{"clear-execstack", "set-execstack"} {
		if c.has(name) {
			add(name, "true")
		}
	}
	return edits, nil
}

// symbols translates the flags for symbols. A symbol that the file does not have is
// passed over, as patchelf does.
func (c *patchelfCall) symbols(f *elf.File) ([]patch.Request, error) {
	if !c.has("clear-symbol-version") && !c.has("rename-dynamic-symbols") {
		return nil, nil
	}
	own := map[string]bool{} // by name: the file defines it
	for s, err := range f.Symbols() {
		if err != nil {
			return nil, err
		}
		own[s.Name] = own[s.Name] || !s.Undefined()
	}
	var edits []patch.Request
	for _, name := range c.given["clear-symbol-version"] {
		if _, there := own[name]; there {
			edits = append(edits, patch.Request{Flag: "clear-symbol-version", Value: name})
		}
	}
	for _, file := range c.given["rename-dynamic-symbols"] {
		pairs, err := readNameMap(file)
		if err != nil {
			return nil, err
		}
		for _, pair := range pairs {
			if defines, there := own[pair[0]]; there && defines {
				return nil, fmt.Errorf("the symbol %s is the file's own; only those that it looks up in other files can be renamed", pair[0])
			} else if there {
				edits = append(edits, patch.Request{Flag: "rename-symbol", Value: pair[0] + "=" + pair[1]})
			}
		}
	}
	return edits, nil
}

// maxNameMap bounds a map of names, in bytes.
const maxNameMap = 16 << 20

// readNameMap reads a file of lines with two names each; an empty line and one that begins
// with # say nothing.
func readNameMap(path string) ([][2]string, error) {
	in, err := steady.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer in.Close() // only read
	data, err := io.ReadAll(io.LimitReader(in, maxNameMap+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxNameMap {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxNameMap)
	}
	var pairs [][2]string
	seen := map[string]bool{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
			continue
		case len(words) != 2:
			return nil, fmt.Errorf("%s:%d: want the old name and the new one", path, n)
		case seen[words[0]]:
			return nil, fmt.Errorf("%s:%d: %s is renamed twice", path, n, words[0])
		}
		seen[words[0]] = true
		pairs = append(pairs, [2]string{words[0], words[1]})
	}
	return pairs, nil
}

// searchPath returns the new search path, if one is asked for.
func (c *patchelfCall) searchPath(f *elf.File) (path string, changed bool, err error) {
	switch {
	case c.has("shrink-rpath"):
		var prefixes []string
		if allowed := c.last("allowed-rpath-prefixes"); allowed != "" {
			prefixes = strings.Split(allowed, ":")
		}
		path, err = linkage.ShrinkPath(f, prefixes)
		return path, true, err
	case c.has("remove-rpath"):
		return "", true, nil
	case c.has("set-rpath"):
		return c.last("set-rpath"), true, nil
	case c.has("add-rpath"):
		return strings.TrimPrefix(f.SearchPath()+":"+strings.Join(c.given["add-rpath"], ":"), ":"), true, nil
	}
	return "", false, nil
}
