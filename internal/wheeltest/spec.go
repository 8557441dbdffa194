package wheeltest

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/internal/petest"
)

// A file is one line of a spec, its contents made.
type file struct {
	name   string
	mode   fs.FileMode
	store  bool
	absent bool
	data   []byte // the target, if mode says that it is a symbolic link
}

// maxSize bounds what one line can ask for, in bytes.
const maxSize = 1 << 30

// parseSpec reads a spec. readFile serves the kind "file".
func parseSpec(spec string, readFile func(string) ([]byte, error)) ([]file, error) {
	var files []file
	n := 0
	for line := range strings.Lines(spec) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f, err := parseLine(line, readFile)
		if err != nil {
			return nil, fmt.Errorf("spec line %d: %w", n, err)
		}
		files = append(files, f)
	}
	return files, nil
}

// parseLine reads NAME, options, KIND and its arguments.
func parseLine(line string, readFile func(string) ([]byte, error)) (file, error) {
	name, rest, err := cutWord(line)
	if err != nil {
		return file{}, err
	}
	f := file{name: name}
	cut := -1
	for {
		var word string
		if word, rest, err = cutWord(rest); err != nil {
			return file{}, fmt.Errorf("%q: %w", name, err)
		}
		isOption, err := f.setOption(word, &cut)
		if err == nil && !isOption {
			err = f.fill(word, rest, readFile)
		}
		if err != nil {
			return file{}, fmt.Errorf("%q: %s: %w", name, word, err)
		}
		if !isOption {
			break
		}
	}
	if cut >= 0 && cut < len(f.data) {
		f.data = f.data[:cut]
	}
	return f, nil
}

// cutWord returns the first word of s, unquoted, and what follows its spaces.
func cutWord(s string) (word, rest string, err error) {
	if s == "" {
		return "", "", errors.New("the line ends too early")
	}
	if s[0] != '"' && s[0] != '`' {
		word, rest, _ = strings.Cut(s, " ")
		return word, strings.TrimSpace(rest), nil
	}
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", s, err)
	}
	word, err = strconv.Unquote(quoted)
	return word, strings.TrimSpace(s[len(quoted):]), err
}

// setOption says whether word is an option, and heeds it.
func (f *file) setOption(word string, cut *int) (bool, error) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "store":
		f.store = true
		return true, nil
	case "mode":
		mode, err := strconv.ParseUint(value, 8, 9)
		f.mode = fs.FileMode(mode)
		return true, err
	case "cut":
		n, err := strconv.ParseUint(value, 0, 31)
		*cut = int(n)
		return true, err
	}
	return false, nil
}

// fill makes the contents of a kind of file.
func (f *file) fill(kind, args string, readFile func(string) ([]byte, error)) (err error) {
	perm := fs.FileMode(0o644)
	switch kind {
	case "text":
		f.data, err = quotedStrings(args, "\n")
	case "raw":
		f.data, err = quotedStrings(args, "")
	case "elf":
		perm = 0o755
		var s elftest.Spec
		if s, err = elftest.Parse(args); err == nil {
			f.data = elftest.Build(s)
		}
	case "macho":
		perm = 0o755
		var s machotest.Spec
		if s, err = machotest.Parse(args); err == nil {
			f.data = machotest.Build(s)
		}
	case "pe":
		perm = 0o755
		var s petest.Spec
		if s, err = petest.Parse(args); err == nil {
			f.data = petest.Build(s)
		}
	case "bytes":
		if f.data, err = sized(args); err == nil {
			noise(f.name, f.data)
		}
	case "zeros":
		f.data, err = sized(args)
	case "file":
		f.data, err = readFile(args)
	case "symlink":
		perm = fs.ModeSymlink | 0o777
		f.data = []byte(args)
	case "dir":
		perm = fs.ModeDir | 0o755
	case "absent":
		f.absent = true
	default:
		return errors.New("unknown kind of file")
	}
	if f.mode == 0 {
		f.mode = perm
	}
	return err
}

// quotedStrings joins Go strings, with end after each.
func quotedStrings(args, end string) ([]byte, error) {
	var b []byte
	for args != "" {
		if args[0] != '"' && args[0] != '`' {
			return nil, fmt.Errorf("want a quoted string at %q", args)
		}
		word, rest, err := cutWord(args)
		if err != nil {
			return nil, err
		}
		b, args = append(append(b, word...), end...), rest
	}
	return b, nil
}

func sized(args string) ([]byte, error) {
	n, err := strconv.ParseUint(args, 0, 64)
	if err != nil {
		return nil, err
	}
	if n > maxSize {
		return nil, fmt.Errorf("%d bytes are more than %d", n, maxSize)
	}
	return make([]byte, n), nil
}

// noise fills b with bytes that depend on the file's name alone.
func noise(name string, b []byte) {
	var seed [32]byte
	copy(seed[:], name)
	_, _ = rand.NewChaCha8(seed).Read(b) // never fails
}
