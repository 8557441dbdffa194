package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

const mistypedWheel = "demo-1.0-cp312-cp312-linux_x86_64.whl"

// mistyped are calls that nobody can have meant as they stand. The answer names the
// mistake and the next step.
var mistyped = []struct {
	call string // words, W for the wheel
	code int
	want string // of the first line, behind "wheelmend: error: "
}{
	{"W", 2, `"W" is a wheel, not a command; write wheelmend audit W`},
	{"libdemo.so", 2, `"libdemo.so" is a library, not a command; write wheelmend tree libdemo.so`},
	{"auidt W", 2, `there is no command "auidt"; did you mean wheelmend audit?`},
	{"fix W", 2, `there is no command "fix"; write wheelmend repair`},
	{"auditwheel show W", 2, `there is no command "auditwheel"; to have wheelmend called as auditwheel, write wheelmend install-shims DIRECTORY`},
	{"help reparr", 2, `there is no command "reparr"; did you mean wheelmend repair?`},
	{"frobnicate", 2, `there is no command "frobnicate"`},
	{"-V", 2, `there is no flag -V; the version is printed by wheelmend --version`},
	{"audit", 2, `no wheel given; write wheelmend audit WHEEL`},
	{"audit -", 2, `a wheel is not read from standard input (-); write it to a file first`},
	{"audit ''", 2, `the name of a wheel is empty; is a variable of the script unset?`},
	{"audit https://example.org/demo.whl", 2, `https://example.org/demo.whl is an address; download the wheel first, such as with pip download --no-deps`},
	{"audit *.wheel", 1, `*.wheel: no file matches this pattern`},
	{"audit demo-1.0-cp312-cp312-linux_x86_46.whl", 1, `demo-1.0-cp312-cp312-linux_x86_46.whl: there is no such file; did you mean W?`},
	{"repair nowhere/W", 1, `W: there is no such file, nor the directory nowhere`},
	{"verify empty", 1, `empty: the directory has no wheels (*.whl)`},
	{"tag demo-1.0.tar.gz", 1, `demo-1.0.tar.gz: that is a source distribution (sdist), which has no binaries; build a wheel of it first: pip wheel --no-deps demo-1.0.tar.gz`},
	{"audit DEMO.WHL", 1, `DEMO.WHL: its name has to end in .whl in small letters, as pip wants it; rename the file`},
	{"repair libdemo.so", 1, `libdemo.so: that is a library, not a wheel; wheelmend tree shows what it needs, wheelmend patch edits it`},
	{"repair -o out W", 2, `there is no flag -o; write --wheel-dir DIRECTORY (-w)`},
	{"repair --output-dir out W", 2, `there is no flag --output-dir; write --wheel-dir DIRECTORY (-w)`},
	{"repair --lib-dir lib W", 2, `there is no flag --lib-dir; write --search-path DIRECTORY`},
	{"repair --add-path gone W", 2, `--add-path gone: there is no such directory`},
	{"repair --serach-path lib W", 2, `there is no flag --serach-path; did you mean --search-path?`},
	{"repair --patcher patchelf W", 2, `there is no flag --patcher; leave it out: wheelmend edits files itself`},
	{"repair -plat manylinux2014 W", 2, `there is no flag -plat; write --plat TAG`},
	{"audit -json W", 2, `there is no flag -json; write --json, with two dashes`},
	{"verify --plat manylinux2014 W", 2, `verify has no flag --plat; it belongs to audit, repair, tag`},
	{"audit --frobnicate W", 2, `there is no flag --frobnicate`},
	{"audit W --plat", 2, `--plat needs a value: --plat TAG`},
	{"audit --jobs many W", 2, `--jobs "many": want a whole number`},
	{"audit --json=maybe W", 2, `--json takes no value; leave =maybe out`},
	{"repair --plat manylinux W", 2, `--plat manylinux: several tags begin like that: manylinux_2_5, manylinux_2_12, manylinux_2_17, manylinux_2_24 and 12 more; wheelmend policies lists the tags`},
	{"audit --plat manylinux_2_1 W", 2, `--plat manylinux_2_1: several tags begin like that: manylinux_2_12, manylinux_2_17; wheelmend policies lists the tags`},
	{"audit --plat manylinux20 W", 2, `--plat manylinux20: several tags begin like that: manylinux2010, manylinux2014; wheelmend policies lists the tags`},
	{"tag --plat musllinux W", 2, `--plat musllinux: several tags begin like that: musllinux_1_1, musllinux_1_2; wheelmend policies lists the tags`},
	{"audit w.whl", 1, `w.whl: "w.whl" is not a wheel name: it has 1 part, want NAME-VERSION-PYTHON-ABI-PLATFORM, or NAME-VERSION-BUILD-PYTHON-ABI-PLATFORM (PEP 427)`},
	{"repair --plat manylinux_2_17_amd64 W", 2, `--plat manylinux_2_17_amd64: there is no such tag, see wheelmend policies; did you mean manylinux_2_17_x86_64?`},
	{"repair --plat manylinux_2_18_x86_64 W", 2, `--plat manylinux_2_18_x86_64: there is no such policy; next to it are manylinux_2_17_x86_64 and manylinux_2_24_x86_64; wheelmend policies lists the tags`},
	{"repair --plat manylinux_2_99_x86_64 W", 2, `--plat manylinux_2_99_x86_64: there is no such policy; the newest is manylinux_2_41_x86_64; wheelmend policies lists the tags`},
	{"repair --plat manylinx2014 W", 2, `--plat manylinx2014: there is no such tag, see wheelmend policies; did you mean manylinux2014?`},
	{"repair --plat win_amd64 W", 2, `--plat win_amd64: the tag of a Windows wheel follows from its files`},
	{"repair --require-archs amd64 W", 2, `--require-archs "amd64": macOS calls it x86_64`},
	{"policies --arch amd64", 2, `--arch amd64: platform tags call it x86_64`},
	{"policies --arch s390", 2, `--arch s390: platform tags call it s390x`},
	{"policies aarch64", 2, `policies takes no argument, and "aarch64" was given`},
	{"completion tcsh", 2, `there is no completion for the shell "tcsh"; there is for bash, fish, powershell and zsh`},
	{"merge W", 2, `1 wheel given, want two: one for each architecture`},
	{"patch libdemo.so", 2, `nothing to do: no edit is asked for, such as --set-rpath PATH, and nothing to print, such as --print-needed`},
	{"patch --set-rpath libdemo.so", 2, `no file given: --set-rpath took "libdemo.so" as its value; write --set-rpath VALUE libdemo.so`},
	{"patch -change a b libdemo.so", 2, `there is no flag -change; write --replace-needed OLD=NEW`},
	{"patch --shrink-rpath libdemo.so", 2, `there is no flag --shrink-rpath; name what to remove with --remove-rpath=ENTRY`},
	{"patch --set-macos-target Sonoma libdemo.so", 2, `--set-macos-target: "Sonoma" is not a macOS version; write one like 11.0 or 10.13`},
	{"repair --plat linux_x86_64 W", 2, `--plat linux_x86_64: this tag promises nothing that a wheel could be held to; want one such as manylinux_2_28_x86_64, see wheelmend policies`},
	{"audit --plat any W", 2, `--plat any: this tag promises nothing that a wheel could be held to; want one such as manylinux_2_28_x86_64, see wheelmend policies`},
	{"repair --plat manylinux_2.28_x86_64 W", 2, `--plat manylinux_2.28_x86_64: there is no such tag, see wheelmend policies; did you mean manylinux_2_28_x86_64?`},
	{"repair --plat macosx_11_0_arm64 W", 2, `--plat macosx_11_0_arm64: the tag of a macOS wheel follows from its files and MACOSX_DEPLOYMENT_TARGET`},
	{"repair --sysroot nowhere W", 2, `--sysroot nowhere: there is no such directory`},
	{"tree --sysroot libdemo.so W", 2, `--sysroot libdemo.so: not a directory; name the folder that holds the lib and etc of the system`},
	{"audit --search-path libdemo.so W", 2, `--search-path libdemo.so: not a directory; name the folder that the library lies in`},
	{"repair --zip-level best W", 2, `--zip-level "best": want a whole number`},
	{"repair -z 12 W", 2, `--zip-level 12: want 0 to 9`},
	{"repair --jobs -1 W", 2, `--jobs -1: want 1 or more`},
	{"repair --wheel-dir '' W", 2, `--wheel-dir is empty, want a directory`},
	{"audit --color blue W", 2, `--color "blue": want auto, always or never`},
	{"audit --log-format yaml W", 2, `--log-format "yaml": want text or json`},
	{"--verbos audit W", 2, `there is no flag --verbos; did you mean --verbose?`},
	{"audit --help=x", 2, `--help takes no value; leave =x out`},
	{"version now", 2, `version takes no argument, and "now" was given`},
	{"completion", 2, `no shell given; write wheelmend completion bash, fish, powershell or zsh`},
	{"completion bash zsh", 2, `the completions of one shell are printed at a time, and "zsh" was given after bash`},
	{"install-shims", 2, `no directory given; write wheelmend install-shims DIRECTORY`},
	{"install-shims libdemo.so", 2, `libdemo.so: not a directory; name the folder that the links go into`},
	{"patch --print-rpath", 2, `no file given; write wheelmend patch FLAGS FILE`},
	{"repair.", 2, `there is no command "repair."; did you mean wheelmend repair?`},
	{"policies --plat manylinux2014", 2, `policies has no flag --plat; it belongs to audit, repair, tag`},
	{"tree", 2, `no wheel, file or directory given; write wheelmend tree FILE`},
	{"tree --format dto W", 2, `--format "dto": want text, json or dot; did you mean dot?`},
}

// mistypedElsewhere are such calls of the programs by the names of other tools, the name
// first. What these say themselves stands at the beginning.
var mistypedElsewhere = []struct {
	call string
	code int
	want string // of the first line, behind "NAME: error: "
}{
	{"auditwheel reapir W", 2, `invalid choice: "reapir" (choose from show, repair, lddtree); did you mean repair?`},
	{"auditwheel addtag W", 2, `invalid choice: "addtag" (choose from show, repair, lddtree)`},
	{"auditwheel W", 2, `invalid choice: "W" (choose from show, repair, lddtree); write auditwheel show W`},
	{"auditwheel show", 2, `0 wheels given, want one WHEEL_FILE`},
	{"auditwheel show nowhere.whl", 2, `cannot access nowhere.whl. No such file`},
	{"auditwheel show -", 2, `a wheel is not read from standard input (-); write it to a file first`},
	{"auditwheel show ''", 2, `the name of a wheel is empty; is a variable of the script unset?`},
	{"auditwheel repair https://example.org/demo.whl", 2, `https://example.org/demo.whl is an address; download the wheel first, such as with pip download --no-deps`},
	{"auditwheel repair", 2, `the following arguments are required: WHEEL_FILE`},
	{"auditwheel repair --plt manylinux2014 W", 2, `unrecognized arguments: --plt; did you mean --plat?`},
	{"auditwheel repair -o out W", 2, `unrecognized arguments: -o; write --wheel-dir DIRECTORY (-w)`},
	{"auditwheel repair --plat manylinux2014_amd64 W", 2, `--plat manylinux2014_amd64: there is no such tag, see wheelmend policies; did you mean manylinux2014_x86_64?`},
	{"auditwheel repair -z 12 W", 2, `--zip-compression-level 12: want 0 to 9`},
	{"auditwheel show libdemo.so", 1, `libdemo.so: that is a library, not a wheel; wheelmend tree shows what it needs, wheelmend patch edits it`},
	{"auditwheel repair demo-1.0.tar.gz", 1, `demo-1.0.tar.gz: that is a source distribution (sdist), which has no binaries; build a wheel of it first: pip wheel --no-deps demo-1.0.tar.gz`},
	{"auditwheel lddtree W", 1, `W: that is a wheel; lddtree takes one ELF file, wheelmend tree a wheel`},
	{"delocate-wheel", 2, `the following arguments are required: WHEEL`},
	{"delocate-wheel nowhere.whl", 1, `nowhere.whl: there is no such file`},
	{"delocate-wheel libdemo.so", 1, `libdemo.so: that is a library, not a wheel; wheelmend tree shows what it needs, wheelmend patch edits it`},
	{"delocate-wheel --output-dir out W", 2, `unrecognized arguments: --output-dir; write --wheel-dir DIRECTORY (-w)`},
	{"delocate-wheel W", 1, `W: it is for another system than macOS; auditwheel and wheelmend repair are for wheels of Linux and Android`},
	{"delocate-path libdemo.so", 1, `libdemo.so: not a directory; delocate-path takes one with the files of a package, delocate-wheel takes wheels`},
	{"delocate-path -", 2, `a file is not read from standard input (-); write it to a file first`},
	{"delocate-listdeps nowhere", 1, `nowhere: there is no such file`},
	{"delocate-merge W", 2, `1 wheel given, want two`},
	{"delocate-addplat W", 1, `no tag given: name one with --plat-tag or --osx-ver`},
	{"delocate-patch W", 2, `the following arguments are required: WHEEL, PATCH`},
	{"repairwheel W", 2, `the following arguments are required: -o/--output-dir`},
	{"repairwheel -w out W", 2, `unrecognized arguments: -w; write --output-dir DIRECTORY (-o)`},
	{"repairwheel -o out libdemo.so", 1, `libdemo.so: that is a library, not a wheel; wheelmend tree shows what it needs, wheelmend patch edits it`},
	{"patchelf --print-rpth libdemo.so", 1, `--print-rpth is no flag of patchelf`},
	{"patchelf --set-rpath libdemo.so", 1, `missing filename`},
	{"patchelf --print-rpath nowhere", 1, `nowhere: no such file or directory`},
	{"patchelf --print-needed W", 1, `W: it is a zip archive, such as a wheel; patch edits ELF, Mach-O and PE files`},
}

// goText matches what only the packages of this program, or of Go, are called by.
var goText = regexp.MustCompile(`(^|[ :])(elf|macho|strconv|pflag|flag|open|stat|lstat|fs|zip|wheel):|strconv\.`)

func TestMistypedCalls(t *testing.T) {
	if len(mistyped) < 40 {
		t.Fatalf("%d calls, want 40", len(mistyped))
	}
	t.Chdir(t.TempDir())
	mistypedDirectory(t)
	for i, tt := range append(mistyped, mistypedElsewhere...) {
		t.Run(tt.call, func(t *testing.T) {
			var words []string
			if i < len(mistyped) {
				words = append(words, "wheelmend")
			}
			for _, word := range strings.Fields(strings.ReplaceAll(tt.call, "W", mistypedWheel)) {
				if word == "''" {
					word = ""
				}
				words = append(words, strings.ReplaceAll(word, "DEMO."+mistypedWheel+"HL", "DEMO.WHL"))
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), words, console.Environment{Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }})
			want := words[0] + ": error: " + wanted(tt.want)
			first, _, _ := strings.Cut(stderr.String(), "\n")
			if code != tt.code || first != want {
				t.Errorf("exit %d, want %d\n got %s\nwant %s", code, tt.code, first, want)
			}
			if code == console.ExitUsage {
				hintHelps(t, stderr.String())
			}
			if goText.MatchString(stderr.String()) {
				t.Errorf("text of Go reaches the user: %s", stderr.String())
			}
			if strings.Count(first, "DEMO.WHL") > 1 {
				t.Errorf("the name stands there twice: %s", first)
			}
		})
	}
}

// hintHelps calls what the hint at the end of an error says, which has to print help.
func hintHelps(t *testing.T, stderr string) {
	t.Helper()
	hint := regexp.MustCompile(`Run '(.*)' for usage\.\n$`).FindStringSubmatch(stderr)
	if hint == nil {
		t.Fatalf("no hint about the help: %s", stderr)
	}
	var help, errors bytes.Buffer
	code := run(t.Context(), strings.Fields(hint[1]), console.Environment{Stdout: &help, Stderr: &errors, Getenv: func(string) string { return "" }})
	if code != console.ExitDone || !strings.Contains(help.String(), "Usage") {
		t.Errorf("%s: exit %d, %s%s", hint[1], code, help.String(), errors.String())
	}
}

// wanted puts the name of the wheel where W stands alone.
func wanted(text string) string {
	return regexp.MustCompile(`\bW\b`).ReplaceAllString(text, mistypedWheel)
}

func mistypedDirectory(t *testing.T) {
	t.Helper()
	demo, err := wheeltest.Build(mistypedWheel, "demo/_core.so  elf x86_64 needed=libc.so.6 export=PyInit__core")
	if err != nil {
		t.Fatal(err)
	}
	library, err := elftest.Parse("x86_64 soname=libdemo.so needed=libc.so.6")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		mistypedWheel: demo, "DEMO.WHL": demo, "w.whl": demo, "demo-1.0.tar.gz": []byte("sdist"), "libdemo.so": elftest.Build(library),
	} {
		if err := os.WriteFile(filepath.Join(".", name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"empty", "lib"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
