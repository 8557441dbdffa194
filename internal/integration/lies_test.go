//go:build integration

package integration

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A lyingWord is a number of an extension that says something else.
type lyingWord struct {
	what string
	at   int // file offset
	size int // bytes
}

// lyingWords are numbers of a little-endian 64-bit image: of its header, of
// each program header, of each dynamic entry, and of some section headers.
func lyingWords(image []byte) []lyingWord {
	le := binary.LittleEndian
	words := []lyingWord{
		{"EI_CLASS", 4, 1}, {"EI_DATA", 5, 1}, {"e_type", 16, 2}, {"e_machine", 18, 2}, {"e_version", 20, 4},
		{"e_phoff", 32, 8}, {"e_shoff", 40, 8}, {"e_phentsize", 54, 2}, {"e_phnum", 56, 2}, {"e_shentsize", 58, 2}, {"e_shnum", 60, 2},
	}
	phoff := int(le.Uint64(image[32:]))
	for i := range int(le.Uint16(image[56:])) {
		at := phoff + 56*i
		for j, field := range []string{"p_offset", "p_vaddr", "p_paddr", "p_filesz", "p_memsz", "p_align"} {
			words = append(words, lyingWord{fmt.Sprintf("phdr[%d].%s", i, field), at + 8 + 8*j, 8})
		}
		if le.Uint32(image[at:]) == 2 { // PT_DYNAMIC
			for d := int(le.Uint64(image[at+8:])); le.Uint64(image[d:]) != 0; d += 16 {
				words = append(words, lyingWord{fmt.Sprintf("dynamic entry %#x", le.Uint64(image[d:])), d + 8, 8})
			}
		}
	}
	shoff := int(le.Uint64(image[40:]))
	for i := 1; i < int(le.Uint16(image[60:])); i += 3 {
		words = append(words, lyingWord{fmt.Sprintf("shdr[%d].sh_offset", i), shoff + 64*i + 24, 8})
	}
	return words
}

// tell returns a copy of the image that lies.
func (w lyingWord) tell(image []byte, v uint64) []byte {
	image = bytes.Clone(image)
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], v)
	copy(image[w.at:w.at+w.size], b[:])
	return image
}

// An extension that lies is refused by each command in one line that names the
// wheel, the member, the offset and the rule, and nothing is written; or it is
// repaired, and then still loads if it did before.
func TestLyingExtensions(t *testing.T) {
	dir := t.TempDir()
	whole := members(t, answering(t, dir))["asking.so"]
	if whole == nil {
		t.Fatal("the wheel has no asking.so")
	}
	refused, repaired, loaded := 0, 0, 0
	for i, w := range lyingWords(whole) {
		lies := []uint64{0, 1, ^uint64(0), uint64(len(whole)), 1 << 31}
		v := lies[i%len(lies)]
		image := w.tell(whole, v)
		if bytes.Equal(image, whole) {
			continue
		}
		t.Run(fmt.Sprintf("%s is %#x", w.what, v), func(t *testing.T) {
			wheel := writeWheel(t, t.TempDir(), "linux_x86_64", map[string][]byte{"asking.so": image})
			out := filepath.Join(t.TempDir(), "out")
			checkLiar(t, wheelmend(t, "audit", wheel), wheel, "asking.so")
			checkLiar(t, wheelmend(t, "tree", wheel), wheel, "asking.so")
			if r := wheelmend(t, "verify", wheel); r.code != 0 && r.code != 1 || strings.Contains(r.stderr, "goroutine") {
				t.Errorf("verify: exit %d\n%s", r.code, r.stderr)
			}
			checkPatchedLiar(t, image)
			r := wheelmend(t, "repair", "-w", out, wheel)
			if checkLiar(t, r, wheel, "asking.so"); r.code != 0 {
				refused++
				if left := filesIn(t, out); len(left) > 0 {
					t.Errorf("left %q", left)
				}
				return
			}
			repaired++
			before := callUnpacked(t, wheel, "LD_LIBRARY_PATH="+dir)
			if before.stdout != "42\n" {
				return
			}
			loaded++
			if got := callUnpacked(t, filepath.Join(out, filesIn(t, out)[0])); got.stdout != before.stdout {
				t.Errorf("says %q after the repair, and %q before\n%s", got.stdout, before.stdout, got.stderr)
			}
		})
	}
	if refused == 0 || repaired == 0 || loaded == 0 {
		t.Errorf("%d refused, %d repaired, %d of them loaded; want some of each", refused, repaired, loaded)
	}
}

// callUnpacked calls the extension of a wheel that is unpacked and no more.
func callUnpacked(t *testing.T, wheel string, env ...string) result {
	t.Helper()
	dir := t.TempDir()
	for name, content := range members(t, wheel) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return run(t, append(env, "PYTHONPATH="+dir), peer(t, "python"), "-c", called("asking"))
}

// checkLiar asserts that a command either takes a wheel or refuses it in one line
// that names all that there is to know.
func checkLiar(t *testing.T, r result, wheel, member string) {
	t.Helper()
	if r.code == 0 || r.args[1] == "tree" && strings.Contains(r.stdout, "not found") {
		return // or a tree that says so itself
	}
	if r.code != 1 {
		t.Errorf("%s: exit %d, want 1", r.args[1], r.code)
	}
	line, details, _ := strings.Cut(strings.TrimSuffix(r.stderr, "\n"), "\n")
	if strings.Trim(details, "\n") != "" && !strings.Contains(details, "\n  help:") || !strings.Contains(line, filepath.Base(wheel)) || !strings.Contains(r.stderr, member) {
		t.Errorf("%s: want a line with the wheel and the member, or one with details and help, got:\n%s", r.args[1], r.stderr)
	}
	if strings.Count(line, "offset 0x") > 1 && strings.Count(line, member+":") > 1 {
		t.Errorf("%s says it twice: %s", r.args[1], line)
	}
}

// checkPatchedLiar edits the extension alone: a refusal leaves it as it is.
func checkPatchedLiar(t *testing.T, image []byte) {
	t.Helper()
	path := writeFile(t, "asking.so", image)
	r := wheelmend(t, "patch", "--set-rpath", "$ORIGIN/a/rather/long/path/that/fits/nowhere", path)
	if r.code == 0 {
		return
	}
	checkLiar(t, r, path, "asking.so")
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, image) {
		t.Errorf("a refused patch has changed the file (%v)", err)
	}
	if left := filesIn(t, filepath.Dir(path)); len(left) != 1 {
		t.Errorf("a refused patch has left %q", left)
	}
}
