package scripts

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A release is install-release with a network of its own: curl copies a file, gh says what
// it is told to, and both write down what they were asked.
type release struct {
	dir, bin string // where the program goes; the folder of curl and gh
	script   string
}

const releasedProgram = "#!/bin/sh\necho wheelmend v1.2.3\n"

// newRelease returns a copy of the script with the digests of v1.2.3, unless sums is "".
func newRelease(t *testing.T, sums string) release {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a shell script")
	}
	top := t.TempDir()
	r := release{filepath.Join(top, "target"), filepath.Join(top, "bin"), filepath.Join(top, "scripts", "install-release")}
	script, err := os.ReadFile("install-release")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		r.script:                      string(script),
		filepath.Join(r.bin, "curl"):  "#!/bin/sh\necho \"curl $*\" >>\"$ASKED\"\nwhile [ $# -gt 1 ]; do [ \"$1\" = --output ] && out=$2; shift; done\nprintf '%s' \"$PROGRAM\" >\"$out\"\n",
		filepath.Join(r.bin, "uname"): "#!/bin/sh\n[ \"$1\" = -s ] && echo Linux || echo x86_64\n",
	} {
		write(t, name, text)
	}
	if sums != "" {
		write(t, filepath.Join(top, "scripts", "release-sums"), sums)
	}
	return r
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// gh adds a GitHub CLI whose attestation passes or fails.
func (r release) gh(t *testing.T, code int) {
	t.Helper()
	write(t, filepath.Join(r.bin, "gh"), fmt.Sprintf("#!/bin/sh\necho \"gh $*\" >>\"$ASKED\"\n[ \"$1\" = auth ] && exit 0\nexit %d\n", code))
}

// run calls the script. asked is what curl and gh were called with.
func (r release) run(t *testing.T, env []string, args ...string) (stderr string, code int, asked string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "asked")
	cmd := exec.Command("bash", append([]string{r.script, r.dir}, args...)...)
	cmd.Env = append([]string{"PATH=" + r.bin + ":/usr/bin:/bin", "HOME=" + t.TempDir(), "ASKED=" + log, "PROGRAM=" + releasedProgram}, env...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return said.String(), cmd.ProcessState.ExitCode(), string(text)
}

// installed returns the files in the folder of the program.
func (r release) installed(t *testing.T) []string {
	t.Helper()
	var names []string
	entries, err := os.ReadDir(r.dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func sumsOf(program string) string {
	return fmt.Sprintf("version v1.2.3\n%x  wheelmend-linux-amd64\n", sha256.Sum256([]byte(program)))
}

// A version becomes a part of an address: what is none is refused before anything is asked
// of the network, and nothing is made.
func TestInstallReleaseVersions(t *testing.T) {
	for _, version := range []string{
		"../../../../attacker/fork/releases/download/v9", "../../../../attacker/fork/releases/download/v9.9.9", "v9/../../../../attacker/fork/releases/download/v9.9.9",
		"v1.2.3/../v1.2.4", "v1.2.3?x", "v1.2.3#x", "v1.2.3%2f..", "v1.2.3\n", "\nv1.2.3", "v1.2.3\n../x", "v1.2", "1.2.3", "v1.2.3-rc.1", "latest", "main", "v1.2.3 --proto=http",
		"v1.2.3000000000", "v1.2.x", "V1.2.3", "@v1.2.3",
	} {
		r := newRelease(t, sumsOf(releasedProgram))
		r.gh(t, 0)
		stderr, code, asked := r.run(t, nil, version)
		if code != 1 || asked != "" || len(r.installed(t)) > 0 || !strings.Contains(stderr, "is not the version of a release; want one as in v1.2.3") {
			t.Errorf("%q: exit %d, asked %q, installed %v\n%s", version, code, asked, r.installed(t), stderr)
		}
	}
}

// What is installed has the digest of release-sums or is attested, came by https alone, and
// what is there stays otherwise.
func TestInstallRelease(t *testing.T) {
	const old = "the program of before"
	for _, tt := range []struct {
		name, sums string
		gh         int // exit code of its attestation; -1 for no gh
		env, args  []string
		want       string // of stderr; "" for success
		asked      []string
	}{
		{"the version of release-sums", sumsOf(releasedProgram), -1, nil, nil, "", []string{"/download/v1.2.3/wheelmend-linux-amd64"}},
		{"the same by name", sumsOf(releasedProgram), -1, nil, []string{"v1.2.3"}, "", nil},
		{"the same, attested too", sumsOf(releasedProgram), 0, nil, nil, "", []string{"gh attestation verify", "--source-ref refs/tags/v1.2.3"}},
		{"the same, not attested", sumsOf(releasedProgram), 1, nil, nil, "is not attested by the release workflow of wheelmend/wheelmend", nil},
		{"another program", sumsOf("something else"), -1, nil, nil, "is not what", nil},
		{"another program, attested", sumsOf("something else"), 0, nil, nil, "is not what", nil},
		{"no digest of it", "version v1.2.3\n", -1, nil, nil, "is not in", nil},
		{"no release-sums", "", -1, nil, nil, "this copy belongs to no release; name a version", nil},
		{"another version, and no gh", sumsOf(releasedProgram), -1, nil, []string{"v1.2.4"}, "there is no gh to check where it was built", nil},
		{"another version, not attested", sumsOf(releasedProgram), 1, nil, []string{"v1.2.4"}, "is not attested by the release workflow of wheelmend/wheelmend", nil},
		{"another version, attested", sumsOf(releasedProgram), 0, nil, []string{"v1.2.4"}, "", []string{
			"--repo wheelmend/wheelmend", "--signer-workflow wheelmend/wheelmend/.github/workflows/release.yml", "--source-ref refs/tags/v1.2.4", "--deny-self-hosted-runners"}},
		{"releases by http", sumsOf(releasedProgram), 0, []string{"WHEELMEND_RELEASES=http://example.org"}, nil, "WHEELMEND_RELEASES has to be an https address", nil},
		{"releases on this machine", sumsOf(releasedProgram), 0, []string{"WHEELMEND_RELEASES=file:///tmp"}, nil, "WHEELMEND_RELEASES has to be an https address", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRelease(t, tt.sums)
			if tt.gh >= 0 {
				r.gh(t, tt.gh)
			} else if _, err := exec.LookPath("/usr/bin/gh"); err == nil {
				t.Skip("this machine has gh")
			}
			target := filepath.Join(r.dir, "wheelmend")
			write(t, target, old)
			stderr, code, asked := r.run(t, tt.env, tt.args...)
			program, err := os.ReadFile(target)
			if err != nil {
				t.Fatal(err)
			}
			wantProgram, wantCode := releasedProgram, 0
			if tt.want != "" {
				wantProgram, wantCode = old, 1
			}
			if code != wantCode || string(program) != wantProgram || !strings.Contains(stderr, tt.want) {
				t.Errorf("exit %d, program %q, want exit %d and %q\n%s", code, program, wantCode, wantProgram, stderr)
			}
			if names := r.installed(t); !slices.Equal(names, []string{"wheelmend"}) {
				t.Errorf("%v is there, want the program alone", names)
			}
			for _, want := range tt.asked {
				if !strings.Contains(asked, want) {
					t.Errorf("asked %q, want %q", asked, want)
				}
			}
			for line := range strings.Lines(asked) {
				if strings.HasPrefix(line, "curl") && (!strings.Contains(line, " --proto =https --proto-redir =https ") || !strings.Contains(line, " https://")) {
					t.Errorf("%q: want https alone, also after a redirection", line)
				}
			}
		})
	}
}

// Whatever of this repository runs elsewhere is named by what it is, not by where it lies:
// actions by a commit, images by a digest.
func TestNothingMovesBeneathUs(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	more, err := filepath.Glob("../examples/*/.github/workflows/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	uses := 0
	for _, name := range append(append(files, more...), "../action.yml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			_, action, ok := strings.Cut(strings.TrimSpace(line), "uses: ")
			if !ok || strings.HasPrefix(action, "./") || strings.HasPrefix(action, "wheelmend/wheelmend@v1 ") {
				continue // our own, whose first release has no commit yet
			}
			uses++
			_, at, _ := strings.Cut(strings.Fields(action)[0], "@")
			if len(at) != 40 || strings.Trim(at, "0123456789abcdef") != "" {
				t.Errorf("%s: %s is not named by a commit", name, action)
			}
		}
	}
	if uses < 10 {
		t.Errorf("%d uses of actions are found", uses)
	}
	docker, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	user := false
	for line := range strings.Lines(string(docker)) {
		words := strings.Fields(line)
		if len(words) > 1 && words[0] == "FROM" && words[1] != "scratch" && !strings.Contains(line, "@sha256:") {
			t.Errorf("Dockerfile: %s has no digest", strings.TrimSpace(line))
		}
		user = user || len(words) == 2 && words[0] == "USER" && words[1] != "root" && words[1] != "0"
	}
	if !user {
		t.Error("the image runs as root")
	}
	release, err := os.ReadFile("../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(release); !strings.Contains(text, "actions/attest-build-provenance@") && !strings.Contains(text, "actions/attest@") || strings.Contains(text, "cache: true") || !strings.Contains(text, "cache: false") {
		t.Error("the release is not attested, or made with a cache")
	}
}
