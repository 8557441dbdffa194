package macho

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	gomacho "github.com/blacktop/go-macho"
	"github.com/blacktop/go-macho/types"
	"github.com/google/go-cmp/cmp"
)

// said is what the commands say that name an image, its libraries and its paths.
type said struct {
	ID, UUID string
	Dylibs   []Dylib
	RPaths   []string
}

// judged returns what go-macho reads of the commands of a slice.
func judged(t *testing.T, s *Slice) said {
	t.Helper()
	asked := append(slices.Collect(maps.Keys(loads)), types.LC_ID_DYLIB, types.LC_RPATH, types.LC_UUID)
	image := slices.Clone(s.header)
	for i := range s.commands {
		image = append(image, s.commands[i].data...)
	}
	f, err := gomacho.NewFile(bytes.NewReader(image), gomacho.FileConfig{LoadIncluding: asked})
	if err != nil {
		t.Fatalf("the judge refuses it: %v", err)
	}
	var got said
	add := func(l *gomacho.Dylib, kind DylibKind) {
		switch {
		case l.Flags&types.DYLIB_USE_WEAK_LINK != 0:
			kind = Weak
		case l.Flags&types.DYLIB_USE_REEXPORT != 0:
			kind = Reexport
		case l.Flags&types.DYLIB_USE_UPWARD != 0:
			kind = Upward
		case l.Flags&types.DYLIB_USE_DELAYED_INIT != 0:
			kind = Lazy
		}
		got.Dylibs = append(got.Dylibs, Dylib{l.Name, kind, Version(l.CurrentVersion), Version(l.CompatVersion)})
	}
	for _, load := range f.Loads {
		switch l := load.(type) {
		case *gomacho.IDDylib:
			got.ID = l.Name
		case *gomacho.LoadDylib:
			add(&l.Dylib, Load)
		case *gomacho.WeakDylib:
			add(&l.Dylib, Weak)
		case *gomacho.ReExportDylib:
			add(&l.Dylib, Reexport)
		case *gomacho.UpwardDylib:
			add(&l.Dylib, Upward)
		case *gomacho.LazyLoadDylib:
			add(&l.Dylib, Lazy)
		case *gomacho.Rpath:
			got.RPaths = append(got.RPaths, l.Path)
		case *gomacho.UUID:
			got.UUID = fmt.Sprint(l.UUID)
		}
	}
	return got
}

// go-macho reads the same of fixtures, of made images and of both with bytes of their
// commands changed at random.
func TestCommandsBesideGoMacho(t *testing.T) {
	var images [][]byte
	for _, name := range fixtures {
		images = append(images, fixture(t, name))
	}
	for _, text := range madeSeeds {
		images = append(images, made(t, text))
	}
	images = append(images, useCommands(t, 31))
	random := rand.New(rand.NewPCG(14, 9))
	compared := 0
	for _, original := range images {
		for round := range 400 {
			b := slices.Clone(original)
			for range min(round, 1+round%3) {
				b[28+random.IntN(min(len(b)-28, 2000))] = byte(random.IntN(256) >> random.IntN(8))
			}
			f, err := NewFile(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				continue
			}
			for _, s := range f.Slices {
				if !s.Type.Loadable() {
					continue
				}
				compared++
				if diff := cmp.Diff(judged(t, s), said{s.ID, s.UUID, s.Dylibs, s.RPaths}); diff != "" {
					t.Fatalf("(-go-macho +ours)\n%s", diff)
				}
			}
		}
	}
	if compared < 2000 {
		t.Errorf("%d images were compared, too few to say something", compared)
	}
}

// useCommands returns an image whose libraries are loaded by dylib_use_command, with
// each of so many combinations of its flags, as each kind of command.
func useCommands(t *testing.T, most uint32) []byte {
	t.Helper()
	const kinds = 5
	text := "arch=arm64 id=/x.dylib pad=16000 loads="
	for i := range kinds * (most + 1) {
		text += fmt.Sprintf("/aaaa%d.dylib,", i)
	}
	b := made(t, text[:len(text)-1])
	commands := slices.Sorted(maps.Keys(loads))
	flags := uint32(0)
	for _, c := range open(t, b).Slices[0].commands {
		if !isDylib(c.cmd) {
			continue
		}
		at := b[c.off:]
		binary.LittleEndian.PutUint32(at, uint32(commands[flags%kinds]))
		binary.LittleEndian.PutUint32(at[8:], 28)
		binary.LittleEndian.PutUint32(at[12:], types.DYLIB_USE_MARKER)
		binary.LittleEndian.PutUint32(at[24:], flags/kinds)
		flags++
	}
	return b
}

func TestDylibUseCommands(t *testing.T) {
	s := open(t, useCommands(t, 8)).Slices[0]
	if len(s.Dylibs) != 45 {
		t.Fatalf("%d libraries", len(s.Dylibs))
	}
	wants := []DylibKind{Load, Weak, Reexport, Weak, Upward, Weak, Reexport, Weak, Lazy} // by flags
	at := 0
	for i := range s.commands {
		c := &s.commands[i]
		if !isDylib(c.cmd) {
			continue
		}
		want := wants[s.u32(c, 24)]
		if c.cmd == types.LC_LAZY_LOAD_DYLIB || s.u32(c, 24) == 0 {
			want = loads[c.cmd]
		}
		if got := s.Dylibs[at].Kind; got != want {
			t.Errorf("%v with flags %#x: got %v, want %v", c.cmd, s.u32(c, 24), got, want)
		}
		at++
	}
}

// A name that does not begin at byte 28 is not that of a dylib_use_command.
func TestMarkerAloneIsATime(t *testing.T) {
	b := made(t, "arch=arm64 id=/x.dylib loads=/a.dylib")
	for _, c := range open(t, b).Slices[0].commands {
		if isDylib(c.cmd) {
			binary.LittleEndian.PutUint32(b[c.off+12:], types.DYLIB_USE_MARKER)
		}
	}
	if got := open(t, b).Slices[0].Dylibs; len(got) != 1 || got[0].Kind != Load || got[0].Name != "/a.dylib" {
		t.Errorf("%+v", got)
	}
}

// What is too short to be read, or has its string elsewhere, is refused with the place
// of the field.
func TestCommandsThatAreTooShort(t *testing.T) {
	seen := map[types.LoadCmd]bool{}
	for _, text := range madeSeeds {
		for _, s := range open(t, made(t, text)).Slices {
			for i := range s.commands {
				c := s.commands[i]
				kind, ok := commandKinds[c.cmd]
				if !ok {
					continue
				}
				seen[c.cmd] = true
				c.data = c.data[:kind.size-1]
				format := (*FormatError)(nil)
				if err := s.checkCommand(&c); !errors.As(err, &format) || format.Off != c.off+4 {
					t.Errorf("%v of %d bytes: %v", c.cmd, len(c.data), err)
				}
			}
		}
	}
	for _, cmd := range []types.LoadCmd{types.LC_ID_DYLIB, types.LC_LOAD_DYLIB, types.LC_RPATH, types.LC_UUID, types.LC_SEGMENT_64, types.LC_CODE_SIGNATURE} {
		if !seen[cmd] {
			t.Errorf("no image has %v", cmd)
		}
	}
}

// Reading load commands costs a small multiple of their bytes.
func TestManyCommandsCostLittle(t *testing.T) {
	const count = 2000
	text := "arch=arm64 id=/x.dylib pad=400000 loads=/a.dylib"
	for i := range count {
		text += fmt.Sprintf(",@rpath/lib%d.dylib", i)
	}
	text += " rpaths=/a"
	for i := range count {
		text += fmt.Sprintf(",@loader_path/%d", i)
	}
	b := made(t, text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	s := open(t, b).Slices[0]
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if len(s.Dylibs) != count+1 || len(s.RPaths) != count+1 {
		t.Fatalf("%d libraries, %d paths", len(s.Dylibs), len(s.RPaths))
	}
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d bytes of commands: %v, %d bytes allocated", s.commandsSize(), took, allocated)
	if most := uint64(10 * s.commandsSize()); allocated > most {
		t.Errorf("%d bytes allocated for %d of commands", allocated, s.commandsSize())
	}
}
