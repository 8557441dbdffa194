package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the scripts' expected output")

type errUnknownCondition string

func (e errUnknownCondition) Error() string { return fmt.Sprintf("unknown condition %q", string(e)) }

// scriptCommands returns what scripts can do besides the commands of testscript
// and wheeltest. They judge by the standard library alone, never by the
// packages under test:
//
//	members WHEEL              print mode and name of each member, in order
//	member WHEEL NAME          print the contents of a member
//	extract WHEEL NAME FILE    write the contents of a member to a file
//	times WHEEL                print the time of each member, in UTC
//	methods WHEEL              print "store" or "deflate" for each member
//	sections WHEEL             print the sections of its ELF members
//	dynamic WHEEL              print what the dynamic sections of its ELF members say
//	symbols FILE               print the dynamic symbols of an ELF file, and whether it has DT_RELR
//	says FILE                  print what an ELF file says, and its sections, without a name in front
//	loads FILE                 print what the load commands of a Mach-O file say, and check its signatures
//	checkrecord WHEEL          hold RECORD to the members, one row each
//	exits CODE COMMAND...      run a command, which exits with CODE
//	lines FILE N               FILE (or stdout, stderr) has N lines, none with a control character
//	plain FILE                 FILE has no control character
//	poke FILE [MARK:]OFF HEX   overwrite bytes at OFF, counted from the last MARK (a Go string)
//	sameplan FILE FILE         the plans of two documents of repair --json are equal
//	planned FILE WHEEL         WHEEL holds what the document of repair --json says
//	schema NAME FILE           each JSON document of FILE is as docs/NAME.schema.json says
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":       exits,
		"members":     scriptCommand("members WHEEL", 1, members),
		"member":      scriptCommand("member WHEEL NAME", 2, printMember),
		"extract":     scriptCommand("extract WHEEL NAME FILE", 3, extract),
		"times":       scriptCommand("times WHEEL", 1, times),
		"methods":     scriptCommand("methods WHEEL", 1, methods),
		"sections":    scriptCommand("sections WHEEL", 1, sections),
		"sameplan":    scriptCommand("sameplan FILE FILE", 2, samePlan),
		"planned":     scriptCommand("planned FILE WHEEL", 2, planned),
		"dynamic":     scriptCommand("dynamic WHEEL", 1, dynamic),
		"says":        scriptCommand("says FILE", 1, says),
		"symbols":     scriptCommand("symbols FILE", 1, symbols),
		"loads":       scriptCommand("loads FILE", 1, loads),
		"checkrecord": scriptCommand("checkrecord WHEEL", 1, checkRecord),
		"plain":       scriptCommand("plain FILE", 1, plain),
		"lines":       scriptCommand("lines FILE N", 2, lines),
		"poke":        scriptCommand("poke FILE [MARK:]OFF HEX", 3, poke),
		"schema":      scriptCommand("schema NAME FILE", 2, checkSchema),
	}
}

// scriptCommand wraps a function that takes a fixed number of arguments.
func scriptCommand(usage string, n int, do func(*testscript.TestScript, []string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != n {
			ts.Fatalf("usage: %s", usage)
		}
		if err := do(ts, args); err != nil {
			ts.Fatalf("%s: %v", strings.Fields(usage)[0], err)
		}
	}
}

// exits tells apart what "!" takes for the same: exit codes 1 and 2.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if args[0] != strconv.Itoa(code) {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// readZip opens a wheel that a script names.
func readZip(ts *testscript.TestScript, name string) (*zip.Reader, error) {
	data := ts.ReadFile(name)
	return zip.NewReader(strings.NewReader(data), int64(len(data)))
}

func members(ts *testscript.TestScript, args []string) error {
	z, err := readZip(ts, args[0])
	if err != nil {
		return err
	}
	for _, f := range z.File {
		fmt.Fprintf(ts.Stdout(), "%v %s\n", f.Mode(), f.Name)
	}
	return nil
}

func times(ts *testscript.TestScript, args []string) error {
	z, err := readZip(ts, args[0])
	if err != nil {
		return err
	}
	for _, f := range z.File {
		fmt.Fprintf(ts.Stdout(), "%s %s\n", f.Modified.UTC().Format(time.DateTime), f.Name)
	}
	return nil
}

func methods(ts *testscript.TestScript, args []string) error {
	z, err := readZip(ts, args[0])
	if err != nil {
		return err
	}
	for _, f := range z.File {
		name := map[uint16]string{zip.Store: "store", zip.Deflate: "deflate"}[f.Method]
		fmt.Fprintf(ts.Stdout(), "%s %s\n", name, f.Name)
	}
	return nil
}

func content(z *zip.Reader, name string) ([]byte, error) {
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("no member %q", name)
	}
	r, err := z.File[i].Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func printMember(ts *testscript.TestScript, args []string) error {
	z, err := readZip(ts, args[0])
	if err != nil {
		return err
	}
	b, err := content(z, args[1])
	if err != nil {
		return err
	}
	_, err = ts.Stdout().Write(b)
	return err
}

func extract(ts *testscript.TestScript, args []string) error {
	z, err := readZip(ts, args[0])
	if err != nil {
		return err
	}
	b, err := content(z, args[1])
	if err != nil {
		return err
	}
	return os.WriteFile(ts.MkAbs(args[2]), b, 0o755)
}

// dynamic prints a line for each fact: "demo/_core.so NEEDED libdep.so.3".
func dynamic(ts *testscript.TestScript, args []string) error {
	return eachELF(ts, args[0], func(name string, f *elf.File) error { return printDynamic(ts.Stdout(), name, f) })
}

func sections(ts *testscript.TestScript, args []string) error {
	return eachELF(ts, args[0], func(name string, f *elf.File) error {
		for _, s := range f.Sections {
			fmt.Fprintf(ts.Stdout(), "%s %s\n", name, s.Name)
		}
		return nil
	})
}

// says prints a line for each fact of an ELF file: "NEEDED libdep.so.3",
// "INTERP /lib/ld.so", "SECTION .dynsym".
func says(ts *testscript.TestScript, args []string) error {
	f, err := elf.NewFile(strings.NewReader(ts.ReadFile(args[0])))
	if err != nil {
		return err
	}
	var facts bytes.Buffer
	if err := printDynamic(&facts, "", f); err != nil {
		return err
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			path, err := io.ReadAll(p.Open())
			if err != nil {
				return err
			}
			fmt.Fprintf(&facts, " INTERP %s\n", bytes.TrimRight(path, "\x00"))
		}
	}
	for _, s := range f.Sections {
		if s.Name != "" {
			fmt.Fprintf(&facts, " SECTION %s\n", s.Name)
		}
	}
	for line := range strings.Lines(facts.String()) {
		fmt.Fprint(ts.Stdout(), line[1:])
	}
	return nil
}

// symbols prints a line for each dynamic symbol of an ELF file, "UND pow@GLIBC_2.29" or
// "DEF own", and "RELR" if it has packed relocations.
func symbols(ts *testscript.TestScript, args []string) error {
	f, err := elf.NewFile(strings.NewReader(ts.ReadFile(args[0])))
	if err != nil {
		return err
	}
	all, err := f.DynamicSymbols()
	if err != nil {
		return err
	}
	for _, s := range all {
		name, kind := s.Name, "DEF"
		if s.Section == elf.SHN_UNDEF {
			kind = "UND"
		}
		if s.Version != "" {
			name += "@" + s.Version
		}
		fmt.Fprintln(ts.Stdout(), kind, name)
	}
	const relr = 36 // DT_RELR
	if values, err := f.DynValue(relr); err == nil && len(values) > 0 {
		fmt.Fprintln(ts.Stdout(), "RELR")
	}
	return nil
}

// eachELF calls do for the ELF members of a wheel, in order.
func eachELF(ts *testscript.TestScript, wheel string, do func(name string, f *elf.File) error) error {
	z, err := readZip(ts, wheel)
	if err != nil {
		return err
	}
	for _, m := range z.File {
		b, err := content(z, m.Name)
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
			continue
		}
		f, err := elf.NewFile(bytes.NewReader(b))
		if err == nil {
			err = do(m.Name, f)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	return nil
}

func printDynamic(w io.Writer, name string, f *elf.File) error {
	for _, tag := range []elf.DynTag{elf.DT_SONAME, elf.DT_NEEDED, elf.DT_RPATH, elf.DT_RUNPATH} {
		values, err := f.DynString(tag)
		if err != nil {
			return err
		}
		for _, v := range values {
			fmt.Fprintf(w, "%s %s %s\n", name, strings.TrimPrefix(tag.String(), "DT_"), v)
		}
	}
	if f.SectionByType(elf.SHT_GNU_VERNEED) == nil {
		return nil
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return err
	}
	for _, n := range needs {
		fmt.Fprintf(w, "%s VERNEED %s\n", name, n.Name)
	}
	return nil
}

// checkRecord holds RECORD to the recording installed projects specification.
func checkRecord(ts *testscript.TestScript, args []string) error {
	z, err := readZip(ts, args[0])
	if err != nil {
		return err
	}
	last := z.File[len(z.File)-1].Name
	if !strings.HasSuffix(last, ".dist-info/RECORD") {
		return fmt.Errorf("the last member is %s, want RECORD", last)
	}
	record, err := content(z, last)
	if err != nil {
		return err
	}
	rows, err := csv.NewReader(bytes.NewReader(record)).ReadAll()
	if err != nil {
		return err
	}
	want := map[string][]string{last: {last, "", ""}}
	for _, m := range z.File {
		if m.Name == last || m.Mode()&fs.ModeDir != 0 {
			continue
		}
		b, err := content(z, m.Name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		want[m.Name] = []string{m.Name, "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]), strconv.Itoa(len(b))}
	}
	for _, row := range rows {
		if !slices.Equal(row, want[row[0]]) {
			return fmt.Errorf("row %q, want %q", row, want[row[0]])
		}
		delete(want, row[0])
	}
	for name := range want {
		return fmt.Errorf("no row for %s", name)
	}
	return nil
}

// plain looks for what a terminal would act upon.
func plain(ts *testscript.TestScript, args []string) error {
	for i, r := range ts.ReadFile(args[0]) {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\ufffd' || r == '\u202e' {
			return fmt.Errorf("%s has the control character %q at byte %d", args[0], r, i)
		}
	}
	return nil
}

func lines(ts *testscript.TestScript, args []string) error {
	if err := plain(ts, args); err != nil {
		return err
	}
	text := ts.ReadFile(args[0])
	if got := strconv.Itoa(strings.Count(text, "\n")); got != args[1] || text != "" && !strings.HasSuffix(text, "\n") {
		return fmt.Errorf("%s has %s lines, want %s:\n%s", args[0], got, args[1], text)
	}
	return nil
}

func poke(ts *testscript.TestScript, args []string) error {
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	start, offset := 0, args[1]
	if mark, rest, ok := cutLast(args[1], ":"); ok {
		if mark, err = strconv.Unquote(`"` + mark + `"`); err != nil {
			return err
		}
		if start = bytes.LastIndex(b, []byte(mark)); start < 0 {
			return fmt.Errorf("%s does not hold %q", filepath.Base(path), mark)
		}
		offset = rest
	}
	off, err := strconv.ParseInt(offset, 0, 64)
	if err != nil {
		return err
	}
	patch, err := hex.DecodeString(args[2])
	if err != nil {
		return err
	}
	at := start + int(off)
	if at < 0 || at+len(patch) > len(b) {
		return fmt.Errorf("offset %d is outside the %d bytes of %s", at, len(b), filepath.Base(path))
	}
	copy(b[at:], patch)
	return os.WriteFile(path, b, 0o644)
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
