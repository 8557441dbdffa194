package dropin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/report"
	"github.com/wheelmend/wheelmend/wheel"
)

// delocatePatchTool takes the place of delocate-patch.
func (a *app) delocatePatchTool() *cobra.Command {
	var wheelDir string
	cmd := a.delocateTool("delocate-patch WHEEL PATCH", `It applies a patch, as patch -p1 does, to the files of a wheel, and writes the wheel in
the place of the old one unless -w names a directory.`)
	cmd.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return console.Usagef("the following arguments are required: WHEEL, PATCH")
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if a.Verbose > 0 {
			if err := a.Tell("Patching: %s with %s\n", report.Clean(args[0]), report.Clean(args[1])); err != nil {
				return err
			}
		}
		dir, old := wheelDir, ""
		if dir == "" {
			dir = filepath.Dir(args[0])
		}
		if sameDir(dir, filepath.Dir(args[0])) {
			old = args[0]
		}
		out, err := a.writeBeside(dir, old, func(folder string) (string, error) {
			path := filepath.Join(folder, filepath.Base(args[0]))
			return path, patchWheel(cmd.Context(), args[0], args[1], path)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(args[0]), err)
		}
		if a.Verbose > 0 {
			return a.Tell("Patched wheel %s to %s:\n", report.Clean(args[0]), report.Clean(out))
		}
		return nil
	}
	cmd.Flags().StringVarP(&wheelDir, "wheel-dir", "w", "", "`directory` for the wheel (default: in the place of the old one)")
	return cmd
}

// Bounds on a patch, and on a file that one changes, in bytes: both are read as a whole.
const largestPatch, largestPatched = 64 << 20, 64 << 20

// patchWheel writes the wheel with the files that a patch changes, adds or removes, and a
// new RECORD. Files are named below a folder of any name, which patch -p1 leaves out.
func patchWheel(ctx context.Context, in, patch, out string) (err error) {
	changes, err := readPatch(patch)
	if err != nil {
		return fmt.Errorf("%s: %w", patch, err)
	}
	old, err := wheel.Open(in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	record, err := old.Record()
	if err != nil {
		return err
	}
	w := wheel.NewWriter(old.DistInfo(), wheel.WriterOptions{})
	for _, m := range old.Members() {
		if m.Name == old.DistInfo()+"/RECORD" {
			continue
		}
		change, changed := changes[m.Name]
		if !changed {
			row, _ := record.Row(m.Name)
			w.Copy(m, row)
			continue
		}
		delete(changes, m.Name)
		text, err := patched(m, change)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		if !change.IsDelete {
			w.Add(wheel.Header{Name: m.Name, Mode: m.Mode, Modified: m.Modified}, bytes.NewReader(text))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if !changes[name].IsNew {
			return fmt.Errorf("the patch changes %s, which the wheel does not have", name)
		}
		text, err := applied(nil, changes[name])
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		w.Add(wheel.Header{Name: name, Mode: 0o644, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}, bytes.NewReader(text))
	}
	return wheel.Create(out, func(to io.WriterAt) (int64, error) { return w.Write(ctx, to) }, nil)
}

// readPatch returns the changes of a patch by the member that they are about.
func readPatch(name string) (map[string]*gitdiff.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largestPatch+1))
	if err != nil || len(text) > largestPatch {
		return nil, errors.Join(err, errors.New("it cannot be read as a whole"))
	}
	files, _, err := gitdiff.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("it is not a patch in the unified format")
	}
	changes := map[string]*gitdiff.File{}
	for _, f := range files {
		member := memberOf(f, bytes.Contains(text, []byte("\ndiff --git ")) || bytes.HasPrefix(text, []byte("diff --git ")))
		switch {
		case f.IsBinary || f.IsRename || f.IsCopy:
			return nil, fmt.Errorf("%s: binary files, renames and copies are not supported", member)
		case changes[member] != nil:
			return nil, fmt.Errorf("%s stands there twice", member)
		}
		changes[member] = f
	}
	if len(changes) == 0 {
		return nil, errors.New("it changes no file")
	}
	return changes, nil
}

// memberOf returns the member that a part of a patch is about. gitdiff leaves the first
// folder out where git wrote the patch; patch -p1 does so always.
func memberOf(f *gitdiff.File, byGit bool) string {
	name := f.NewName
	if name == "" || f.IsDelete {
		name = f.OldName
	}
	if _, below, found := strings.Cut(name, "/"); found && !byGit {
		name = below
	}
	return name
}

// patched returns a member with a change.
func patched(m *wheel.Member, change *gitdiff.File) ([]byte, error) {
	if m.Size > largestPatched {
		return nil, fmt.Errorf("it has %d bytes, more than a patch is applied to", m.Size)
	}
	content, err := m.Open()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(content)
	if err := errors.Join(err, content.Close()); err != nil {
		return nil, err
	}
	return applied(text, change)
}

// applied applies the fragments of a change to a text. As with patch, lines may have moved
// since the patch was made, but they have to be the same.
func applied(text []byte, change *gitdiff.File) ([]byte, error) {
	lines := slices.Collect(strings.Lines(string(text)))
	var out []string
	at, shift := 0, 0 // the first line that is not taken over, and how far lines have moved
	for n, fragment := range change.TextFragments {
		var before, after []string
		for _, l := range fragment.Lines {
			if l.Op != gitdiff.OpAdd {
				before = append(before, l.Line)
			}
			if l.Op != gitdiff.OpDelete {
				after = append(after, l.Line)
			}
		}
		want := max(int(fragment.OldPosition)-1, 0) + shift
		want = min(want, len(lines)) // a patch may say what it likes
		found := nearestLines(lines, before, at, want)
		if found < 0 {
			return nil, fmt.Errorf("hunk %d of the patch does not fit: its lines are not there", n+1)
		}
		out = append(append(out, lines[at:found]...), after...)
		at, shift = found+len(before), found-want+shift
	}
	return []byte(strings.Join(append(out, lines[at:]...), "")), nil
}

// nearestLines returns where a block of lines stands, as near as possible to a line and not
// before another, -1 if nowhere.
func nearestLines(lines, block []string, from, want int) int {
	for distance := 0; distance <= max(want, len(lines)); distance++ {
		for _, at := range []int{want - distance, want + distance} {
			if at >= from && at+len(block) <= len(lines) && slices.Equal(lines[at:at+len(block)], block) {
				return at
			}
		}
	}
	return -1
}
