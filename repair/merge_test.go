package repair_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/repair"
)

// merge writes two wheels, described as for wheeltest, and merges them.
func merge(t *testing.T, intelTag, intel, appleTag, apple string, opts repair.MergeOptions) (*repair.Merged, error) {
	t.Helper()
	w := &world{dir: t.TempDir()}
	first, second := w.write(t, macName(intelTag), intel), w.write(t, macName(appleTag), apple)
	return repair.Merge(context.Background(), first, second, filepath.Join(w.dir, "out"), opts)
}

func TestMerge(t *testing.T) {
	for _, tt := range []struct {
		name, intelTag, intel, appleTag, apple string
		platform                               string
		want                                   []string
	}{
		{"one name", "macosx_10_9_x86_64", pkg + "demo/a.so macho arch=x86_64 loads=@loader_path/b.dylib\ndemo/b.dylib macho arch=x86_64 id=/DLC/b.dylib",
			"macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 loads=@loader_path/b.dylib\ndemo/b.dylib macho arch=arm64 id=/DLC/b.dylib",
			"macosx_10_9_universal2", []string{
				"demo/a.so arm64 @loader_path/b.dylib", "demo/a.so x86_64 @loader_path/b.dylib",
				"demo/b.dylib arm64 id=/DLC/b.dylib", "demo/b.dylib x86_64 id=/DLC/b.dylib"}},
		{"arm64 needs more than its oldest", "macosx_10_9_x86_64", pkg + "demo/a.so macho arch=x86_64", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 minos=12.3",
			"macosx_13_0_universal2", []string{"demo/a.so arm64", "demo/a.so x86_64"}},
		{"a name may promise less than the files need", "macosx_12_0_x86_64", pkg + "demo/a.so macho arch=x86_64 minos=10.9", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64 minos=11.0",
			"macosx_12_0_universal2", []string{"demo/a.so arm64", "demo/a.so x86_64"}},
		{"several tags", "macosx_10_9_x86_64.macosx_11_0_x86_64", pkg + "demo/a.so macho arch=x86_64 minos=10.9", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64",
			"macosx_10_9_universal2", []string{"demo/a.so arm64", "demo/a.so x86_64"}},
		{"universal in both, and not the same", "macosx_10_9_x86_64", pkg + "demo/a.so macho arch=x86_64 rpaths=@loader_path/i arch=arm64 rpaths=@loader_path/wrong minos=14.0",
			"macosx_11_0_arm64", pkg + "demo/a.so macho arch=x86_64 rpaths=@loader_path/wrong minos=14.0 arch=arm64 rpaths=@loader_path/m",
			"macosx_10_9_universal2", []string{"demo/a.so arm64 rpath=@loader_path/m", "demo/a.so x86_64 rpath=@loader_path/i"}},
		{"universal in one", "macosx_10_9_x86_64", pkg + "demo/a.so macho arch=x86_64\ndemo/b.dylib macho arch=x86_64 rpaths=@loader_path/i arch=arm64", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=arm64\ndemo/b.dylib macho arch=arm64 rpaths=@loader_path/m",
			"macosx_10_9_universal2", []string{"demo/a.so arm64", "demo/a.so x86_64", "demo/b.dylib arm64 rpath=@loader_path/m", "demo/b.dylib x86_64 rpath=@loader_path/i"}},
		{"universal and equal", "macosx_10_9_x86_64", pkg + "demo/a.so macho arch=x86_64 arch=arm64", "macosx_11_0_arm64", pkg + "demo/a.so macho arch=x86_64 arch=arm64",
			"macosx_10_9_universal2", []string{"demo/a.so arm64", "demo/a.so x86_64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := merge(t, tt.intelTag, tt.intel, tt.appleTag, tt.apple, repair.MergeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Platform != tt.platform || filepath.Base(m.Path) != macName(tt.platform) {
				t.Errorf("tag %s, file %s, want %s", m.Platform, m.Path, tt.platform)
			}
			got := machOs(t, m.Path)
			sortLines(got)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if len(m.Warnings) > 0 {
				t.Errorf("warnings: %q", m.Warnings)
			}
		})
	}
}

func TestMergeKeepsBothBillsOfMaterials(t *testing.T) {
	const bill = "demo-1.0.dist-info/sboms/wheelmend.cdx.json text "
	m, err := merge(t, "macosx_10_9_x86_64", pkg+bill+"\"intel\"\ndemo/a.so macho arch=x86_64", "macosx_11_0_arm64", pkg+bill+"\"apple\"\ndemo/a.so macho arch=arm64 signed=adhoc", repair.MergeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	files := contents(t, m.Path)
	for arch, want := range map[string]string{"x86_64": "intel", "arm64": "apple"} {
		if got := strings.TrimSpace(files["demo-1.0.dist-info/sboms/wheelmend-"+arch+".cdx.json"]); got != want {
			t.Errorf("%s: %q, want %q", arch, got, want)
		}
	}
}

// A library that one wheel alone did not find is a finding; one that is lost by the
// merge is an error.
func TestMergeLibrariesThatAreNotFound(t *testing.T) {
	m, err := merge(t, "macosx_10_9_x86_64", pkg+"demo/a.so macho arch=x86_64 loads=/opt/b.dylib", "macosx_11_0_arm64", pkg+"demo/a.so macho arch=arm64 signed=adhoc", repair.MergeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(m.Findings, "\n"); !strings.Contains(all, "demo/a.so (x86_64): /opt/b.dylib") {
		t.Errorf("findings: %s", all)
	}
	_, err = merge(t, "macosx_10_9_x86_64", pkg+"demo/a.so macho arch=x86_64 loads=@loader_path/b.dylib\ndemo/b.dylib macho arch=x86_64",
		"macosx_11_0_arm64", pkg+"demo/a.so macho arch=arm64 signed=adhoc\ndemo/b.dylib text \"see elsewhere\"", repair.MergeOptions{Prefer: repair.Second})
	if err == nil || !strings.Contains(err.Error(), "demo/a.so would not find @loader_path/b.dylib any more") {
		t.Errorf("error %v", err)
	}
}

// archive writes a static archive with one object for an architecture.
func archive(t *testing.T, arch string) string {
	t.Helper()
	spec, err := machotest.Parse("arch=" + arch + " type=object")
	if err != nil {
		t.Fatal(err)
	}
	object := machotest.Build(spec)
	path := filepath.Join(t.TempDir(), "lib.a")
	image := fmt.Appendf(nil, "!<arch>\n%-48s%-10d`\n%s", "x.o/", len(object), object)
	if err := os.WriteFile(path, image, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMergeStaticArchives(t *testing.T) {
	intel, apple := archive(t, "x86_64"), archive(t, "arm64")
	m, err := merge(t, "macosx_10_9_x86_64", pkg+"demo/a.so macho arch=x86_64\ndemo/lib.a file "+intel, "macosx_11_0_arm64", pkg+"demo/a.so macho arch=arm64\ndemo/lib.a file "+apple, repair.MergeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	joined := contents(t, m.Path)["demo/lib.a"]
	for _, path := range []string{intel, apple} {
		part, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(joined, "\xca\xfe\xba\xbe\x00\x00\x00\x02") || !strings.Contains(joined, string(part)) {
			t.Errorf("%s is not in the universal archive", path)
		}
	}
	// One that is not for the architecture of its wheel is a file like others.
	_, err = merge(t, "macosx_10_9_x86_64", pkg+"demo/a.so macho arch=x86_64\ndemo/lib.a file "+apple, "macosx_11_0_arm64", pkg+"demo/a.so macho arch=arm64\ndemo/lib.a file "+intel, repair.MergeOptions{})
	if err == nil || !strings.Contains(err.Error(), "no code that can be joined: demo/lib.a;") {
		t.Errorf("error %v", err)
	}
}

// Objects of -flto are joined as lipo joins them, where they are for the architecture of
// their wheel.
func TestMergeArchivesOfBitcode(t *testing.T) {
	var paths []string
	for _, arch := range []string{"x86_64", "arm64"} {
		module, err := os.ReadFile("../macho/testdata/llvm14-" + arch + ".bc")
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "lib.a")
		if err := os.WriteFile(path, fmt.Appendf(nil, "!<arch>\n%-48s%-10d`\n%s", "x.o/", len(module), module), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	for i, want := range []string{"", "no code that can be joined: demo/lib.a;"} {
		m, err := merge(t, "macosx_10_9_x86_64", pkg+"demo/a.so macho arch=x86_64\ndemo/lib.a file "+paths[i], "macosx_11_0_arm64", pkg+"demo/a.so macho arch=arm64\ndemo/lib.a file "+paths[1-i], repair.MergeOptions{})
		switch {
		case want == "" && (err != nil || !strings.HasPrefix(contents(t, m.Path)["demo/lib.a"], "\xca\xfe\xba\xbe\x00\x00\x00\x02\x01\x00\x00\x07")):
			t.Errorf("not joined: %v", err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, intelTag, intel, appleTag, apple, want string
	}{
		{"names that differ in capitals alone", "macosx_10_9_x86_64", "demo/A.py text \"\"\ndemo/a.so macho arch=x86_64", "macosx_11_0_arm64", "demo/a.py text \"\"\ndemo/a.so macho arch=arm64",
			"demo/A.py and demo/a.py differ only in upper and lower case"},
		{"a pair without a word", "macosx_10_9_i386", "demo/a.so macho arch=i386", "macosx_11_0_arm64", "demo/a.so macho arch=arm64", "no platform tag stands for i386 and arm64 together"},
		{"several architectures in one name", "macosx_10_9_x86_64.macosx_10_9_i386", "demo/a.so macho arch=x86_64", "macosx_11_0_arm64", "demo/a.so macho arch=arm64", "its name is for x86_64 and i386"},
		{"two files for a third architecture", "macosx_10_9_x86_64", "demo/a.so macho arch=x86_64 arch=arm64e", "macosx_11_0_arm64", "demo/a.so macho arch=arm64 arch=arm64e rpaths=@loader_path", "demo/a.so: both files have arm64e code, and it differs"},
		{"METADATA", "macosx_10_9_x86_64", "demo-1.0.dist-info/METADATA text \"Metadata-Version: 2.1\" \"Name: demo\" \"Version: 9\"\ndemo/a.so macho arch=x86_64", "macosx_11_0_arm64", "demo/a.so macho arch=arm64", "METADATA speaks of demo 9 and demo 1.0"},
		{"METADATA of one that cannot be read", "macosx_10_9_x86_64", "demo-1.0.dist-info/METADATA text \"x\"\ndemo/a.so macho arch=x86_64", "macosx_11_0_arm64", "demo/a.so macho arch=arm64", "macosx_10_9_x86_64.whl: "},
		{"METADATA of the other", "macosx_10_9_x86_64", "demo/a.so macho arch=x86_64", "macosx_11_0_arm64", "demo-1.0.dist-info/METADATA text \"x\"\ndemo/a.so macho arch=arm64", "macosx_11_0_arm64.whl: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := &world{dir: t.TempDir()}
			out := filepath.Join(w.dir, "out")
			_, err := repair.Merge(context.Background(), w.write(t, macName(tt.intelTag), tt.intel), w.write(t, macName(tt.appleTag), tt.apple), out, repair.MergeOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if _, err := os.Stat(out); err == nil && len(folder(t, out)) > 0 {
				t.Errorf("%q are there", folder(t, out))
			}
		})
	}
}
