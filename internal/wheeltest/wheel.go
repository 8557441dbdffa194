package wheeltest

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Build returns a wheel with the files of spec, in their order. METADATA,
// WHEEL and RECORD follow from the file name, each unless the spec has it.
// Equal arguments give equal bytes. Relative paths of the kind "file" count
// from the working directory. Errors name the line of the spec.
//
// The wheel is as PEP 427 and the recording installed projects specification
// want it, save what the spec says otherwise. All times are 2020-01-01.
func Build(filename, spec string) ([]byte, error) {
	return build(filename, spec, os.ReadFile)
}

func build(filename, spec string, readFile func(string) ([]byte, error)) ([]byte, error) {
	n, err := parseName(path.Base(filename))
	if err != nil {
		return nil, err
	}
	files, err := parseSpec(spec, readFile)
	if err != nil {
		return nil, err
	}
	generate := func(name string, data []byte) {
		name = n.distInfo() + name
		if !slices.ContainsFunc(files, func(f file) bool { return f.name == name }) {
			files = append(files, file{name: name, mode: 0o644, data: data})
		}
	}
	generate("METADATA", n.metadata())
	generate("WHEEL", n.wheel())
	generate("RECORD", record(files, n.distInfo()+"RECORD"))
	return archive(files), nil
}

// A name is a wheel's file name in parts. PEP 427, File name convention.
type name struct{ dist, version, build, python, abi, platform string }

func parseName(base string) (name, error) {
	parts := strings.Split(strings.TrimSuffix(base, ".whl"), "-")
	if !strings.HasSuffix(base, ".whl") || len(parts) < 5 || len(parts) > 6 {
		return name{}, fmt.Errorf("%q is not NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl", base)
	}
	n := name{dist: parts[0], version: parts[1]}
	if len(parts) == 6 {
		n.build = parts[2]
	}
	tags := parts[len(parts)-3:]
	n.python, n.abi, n.platform = tags[0], tags[1], tags[2]
	return n, nil
}

func (n name) distInfo() string { return n.dist + "-" + n.version + ".dist-info/" }

func (n name) metadata() []byte {
	return fmt.Appendf(nil, "Metadata-Version: 2.1\nName: %s\nVersion: %s\n", n.dist, n.version)
}

func (n name) wheel() []byte {
	b := fmt.Appendf(nil, "Wheel-Version: 1.0\nGenerator: wheeltest (1)\nRoot-Is-Purelib: %v\n", n.platform == "any")
	for python := range strings.SplitSeq(n.python, ".") {
		for abi := range strings.SplitSeq(n.abi, ".") {
			for platform := range strings.SplitSeq(n.platform, ".") {
				b = fmt.Appendf(b, "Tag: %s-%s-%s\n", python, abi, platform)
			}
		}
	}
	if n.build != "" {
		b = fmt.Appendf(b, "Build: %s\n", n.build)
	}
	return b
}

// record returns a RECORD of files and of itself.
func record(files []file, self string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, f := range files {
		signature := f.name == self+".jws" || f.name == self+".p7s" // which have no row (PEP 427)
		if f.mode.IsDir() || f.absent || signature {
			continue
		}
		sum := sha256.Sum256(f.data)
		row := []string{f.name, "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]), strconv.Itoa(len(f.data))}
		_ = w.Write(row) // a bytes.Buffer takes everything
	}
	_ = w.Write([]string{self, "", ""})
	w.Flush()
	return b.Bytes()
}

// archive writes the files as PyPI takes them: sizes in the local header, flag 11
// for names that are not ASCII.
func archive(files []file) []byte {
	var parts []ZipPart
	for _, f := range files {
		if f.absent {
			continue
		}
		p := ZipPart{Name: f.name, Content: string(f.data), Mode: unixMode(f.mode), Plain: f.store}
		if f.mode.IsDir() {
			p.Name, p.Plain = strings.TrimSuffix(f.name, "/")+"/", true
		}
		parts = append(parts, p)
	}
	return Zip(parts, ZipEnd{})
}

// unixMode returns st_mode of <sys/stat.h>.
func unixMode(mode fs.FileMode) uint16 {
	unix := uint16(mode.Perm())
	switch mode.Type() {
	case fs.ModeDir:
		return unix | 0o040000
	case fs.ModeSymlink:
		return unix | 0o120000
	}
	return unix | 0o100000
}

// newYear2020 is 2020-01-01 as MS-DOS writes it (APPNOTE.TXT 4.4.6).
const newYear2020 = (2020-1980)<<9 | 1<<5 | 1

// deflated compresses as archive/zip does.
func deflated(data []byte) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 5)
	if err != nil {
		panic(err) // 5 is a level
	}
	_, _ = w.Write(data) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}
