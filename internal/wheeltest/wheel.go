package wheeltest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
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
	return archive(files)
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
		if f.mode.IsDir() || f.absent {
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

func archive(files []file) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		if f.absent {
			continue
		}
		if err := addMember(z, f); err != nil {
			return nil, fmt.Errorf("%q: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func addMember(z *zip.Writer, f file) error {
	h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	if f.store || f.mode.IsDir() {
		h.Method = zip.Store
	}
	if f.mode.IsDir() && !strings.HasSuffix(h.Name, "/") {
		h.Name += "/"
	}
	h.SetMode(f.mode)
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(f.data)
	}
	return err
}
