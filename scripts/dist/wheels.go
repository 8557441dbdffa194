package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/wheel"
)

// linuxTags say where a static program for Linux runs: with any C library, or none.
// manylinux_2_17 is the oldest that pip of a supported Python asks for.
var linuxTags = map[string]string{
	"amd64": "manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64",
	"arm64": "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
}

// platform returns the platform tags of the program for a target. For macOS they have
// the version that the program itself asks for.
func platform(t target, program []byte) (string, error) {
	switch t.os {
	case "linux":
		return linuxTags[t.arch], nil
	case "windows":
		return "win_" + t.arch, nil
	}
	f, err := macho.NewFile(bytes.NewReader(program), int64(len(program)))
	if err != nil {
		return "", err
	}
	s := f.Slices[0]
	if s.MinOS == 0 {
		return "", fmt.Errorf("the program does not say which macOS it needs (LC_BUILD_VERSION)")
	}
	return fmt.Sprintf("macosx_%d_%d_%s", s.MinOS.Major(), s.MinOS.Minor(), s.Arch), nil
}

// pythonVersion spells a version as PEP 440 has it.
func pythonVersion(version string) string {
	if m := versionTag.FindStringSubmatch(version); m != nil {
		pre := map[string]string{"": "", "alpha": "a", "beta": "b", "rc": "rc"}[m[2]]
		return m[1] + pre + m[3]
	}
	local := ""
	if m := develVersion.FindStringSubmatch(version); m != nil && m[1] != "" {
		local = "+g" + m[1]
		if m[2] != "" {
			local += ".changes"
		}
	}
	return "0.0.0.dev0" + local
}

// wheel makes the wheel that brings the program of a target, and build-wheels where
// that runs.
func (b *builder) wheel(ctx context.Context, t target, program, made string) error {
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	tags, err := platform(t, content)
	if err != nil {
		return err
	}
	files := map[string][]byte{"scripts/" + t.exe(): content}
	if t.os != "windows" {
		script, err := os.ReadFile(filepath.Join(b.root, "scripts", "build-wheels"))
		if err != nil {
			return err
		}
		// Installers put the path of their Python there (PEP 427).
		_, body, _ := bytes.Cut(script, []byte("\n"))
		files["scripts/build-wheels"] = append([]byte("#!python\n"), body...)
	}
	return b.writeWheel(ctx, tags, files, made)
}

// modules has the Python package that runs the program with python -m wheelmend.
//
//go:embed python/wheelmend/*.py
var modules embed.FS

// addModules adds the Python package to a wheel.
func addModules(add func(name string, mode fs.FileMode, content []byte)) error {
	return fs.WalkDir(modules, "python", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := modules.ReadFile(path)
		add(strings.TrimPrefix(path, "python/"), 0o644, content)
		return err
	})
}

// writeWheel writes a wheel with the given files below .data, and the Python package.
func (b *builder) writeWheel(ctx context.Context, tags string, files map[string][]byte, made string) error {
	version := pythonVersion(b.version)
	metadata, err := b.metadata(version)
	if err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(b.root, "LICENSE"))
	if err != nil {
		return err
	}
	info := "Wheel-Version: 1.0\nGenerator: wheelmend\nRoot-Is-Purelib: false\n"
	for tag := range strings.SplitSeq(tags, ".") {
		info += "Tag: py3-none-" + tag + "\n"
	}
	stem := "wheelmend-" + version
	w := wheel.NewWriter(stem+".dist-info", wheel.WriterOptions{})
	add := func(name string, mode fs.FileMode, content []byte) {
		// The oldest time that an archive can have: it says nothing.
		h := wheel.Header{Name: name, Mode: mode, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		w.Add(h, bytes.NewReader(content))
	}
	for name, content := range files {
		add(stem+".data/"+name, 0o755, content)
	}
	if err := addModules(add); err != nil {
		return err
	}
	add(stem+".dist-info/METADATA", 0o644, metadata)
	add(stem+".dist-info/WHEEL", 0o644, []byte(info))
	add(stem+".dist-info/licenses/LICENSE", 0o644, licence)
	name := filepath.Join(made, stem+"-py3-none-"+tags+".whl")
	return wheel.Create(name, func(out io.WriterAt) (int64, error) { return w.Write(ctx, out) }, nil)
}

// home is where links of the page lead on an index.
const home = "https://github.com/wheelmend/wheelmend"

// relativeLink matches a Markdown link to a file of the repository.
var relativeLink = regexp.MustCompile(`\]\(([a-zA-Z][\w./#-]*)\)`)

// metadata describes the package, with docs/pypi.md for its page (core metadata 2.4).
func (b *builder) metadata(version string) ([]byte, error) {
	readme, err := os.ReadFile(filepath.Join(b.root, "docs", "pypi.md"))
	if err != nil {
		return nil, err
	}
	readme = relativeLink.ReplaceAll(readme, []byte("]("+home+"/blob/main/docs/$1)"))
	head := "Metadata-Version: 2.4\nName: wheelmend\nVersion: " + version + `
Summary: Check, repair and tag Python wheels for Linux, macOS and Android, on any system
License-Expression: MIT
License-File: LICENSE
Project-URL: Repository, ` + home + `
Project-URL: Documentation, ` + home + `/blob/main/docs/guide.md
Project-URL: Changelog, ` + home + `/blob/main/CHANGELOG.md
Keywords: wheel,manylinux,musllinux,auditwheel,delocate,patchelf
Classifier: Environment :: Console
Classifier: Topic :: Software Development :: Build Tools
Requires-Python: >=3.8
Description-Content-Type: text/markdown

`
	return append([]byte(head), readme...), nil
}
