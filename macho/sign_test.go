package macho

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/blacktop/go-macho/types"
)

func verify(t *testing.T, b []byte) error {
	t.Helper()
	return open(t, b).Slices[0].VerifySignature(context.Background(), 1)
}

// withSignature returns a fixture that has been signed with these flags and
// entitlements, as if codesign had been asked for them.
func withSignature(t *testing.T, name string, flags SignatureFlags, entitlements string) []byte {
	t.Helper()
	b := edit(t, fixture(t, name), Sign("org.example.mod"))
	s := open(t, b).Slices[0]
	d := newDraft(s)
	d.sign = true
	p, err := newPlan(d, Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.signer.flags, p.signer.runtime = flags, 0x000c0000
	if entitlements != "" {
		blobData := binary.BigEndian.AppendUint32(nil, 0xfade7171)
		blobData = binary.BigEndian.AppendUint32(blobData, uint32(8+len(entitlements)))
		p.signer.blobs = append(p.signer.blobs, blob{slotEntitlements, append(blobData, entitlements...)})
	}
	o, err := p.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return contents(t, o)
}

func TestSignatureFields(t *testing.T) {
	for _, tt := range []struct {
		arch string
		page int64
	}{{"arm64", 0x4000}, {"x86_64", 0x1000}} {
		t.Run(tt.arch, func(t *testing.T) {
			b := edit(t, fixture(t, "zig-"+tt.arch+"-mod.so"), Sign("org.example.mod"))
			s := open(t, b).Slices[0]
			g, err := s.Signature()
			if err != nil {
				t.Fatal(err)
			}
			if g.Identifier != "org.example.mod" || g.Flags != AdHoc || g.PageSize != tt.page || g.Certificate {
				t.Errorf("got %+v", g)
			}
			if d := g.directories[0]; d.version != versionExecSegment || d.hashName != "SHA-256" || len(d.special) != 2*32 {
				t.Errorf("version %#x, %s, %d bytes of special slots", d.version, d.hashName, len(d.special))
			}
			if g.off%16 != 0 || g.off+g.size != s.Size || g.Limit != g.off {
				t.Errorf("signature at %#x with %#x bytes, limit %#x, in %#x", g.off, g.size, g.Limit, s.Size)
			}
			if err := s.VerifySignature(context.Background(), 3); err != nil {
				t.Error(err)
			}
			if again := edit(t, b, Sign("")); !bytes.Equal(again, b) {
				t.Error("signing twice gives other bytes")
			}
		})
	}
}

// What the owner of a file asked for is kept, but for what turns against a program that
// is signed ad hoc: it would load no library of its own wheel.
func TestSignatureKeepsWhatItsOwnerAskedFor(t *testing.T) {
	const hard, enforced = 0x100, 0x1000 // CS_HARD, CS_ENFORCEMENT
	jit := "<key>com.apple.security.cs.allow-jit</key><true/>"
	anyLibrary := jit + "<key>com.apple.security.cs.disable-library-validation</key>\n\t"
	for _, tt := range []struct {
		name         string
		flags        SignatureFlags
		entitlements string
		want         SignatureFlags
		dropped      string
		validates    bool
	}{
		{"nothing special", AdHoc | LinkerSigned, "", AdHoc, "", false},
		{"hardened runtime", Runtime | LinkerSigned, jit, AdHoc, "hardened runtime", true},
		{"and any library", AdHoc | Runtime, anyLibrary + "<true/>", AdHoc | Runtime, "", false},
		{"and the other way round", Runtime, anyLibrary + "<false/>", AdHoc, "hardened runtime", true},
		{"library validation by name", hard | enforced | LibraryValidation | Runtime, anyLibrary + "<true />", AdHoc | hard | enforced | Runtime, "library validation", true},
		{"all of them", Runtime | LibraryValidation | Restrict | CheckExpiration, jit, AdHoc, "hardened runtime, library validation, restricted loading, expiry check", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := withSignature(t, "zig-arm64-mod.so", tt.flags, "<plist><dict>"+tt.entitlements+"</dict></plist>")
			old, err := open(t, b).Slices[0].Signature()
			if err != nil {
				t.Fatal(err)
			}
			if old.Dropped().String() != tt.dropped || old.ValidatesLibraries() != tt.validates {
				t.Errorf("drops %q, validates libraries: %v", old.Dropped(), old.ValidatesLibraries())
			}
			now := edit(t, b, ClearRPaths())
			g, err := open(t, now).Slices[0].Signature()
			if err != nil {
				t.Fatal(err)
			}
			if g.Flags != tt.want || g.Identifier != "org.example.mod" || g.ValidatesLibraries() {
				t.Errorf("flags %#x, want %#x; identifier %q, validates libraries: %v", uint32(g.Flags), uint32(tt.want), g.Identifier, g.ValidatesLibraries())
			}
			if d := g.directories[0]; tt.want&Runtime != 0 && (d.version != versionRuntime || d.runtime != 0x000c0000) {
				t.Errorf("version %#x, runtime %#x", d.version, d.runtime)
			}
			if !slices.ContainsFunc(g.blobs, func(x blob) bool {
				return x.slot == slotEntitlements && strings.HasSuffix(string(x.data), tt.entitlements+"</dict></plist>")
			}) {
				t.Error("the entitlements are gone")
			}
			if err := verify(t, now); err != nil {
				t.Error(err)
			}
		})
	}
}

// A signature that cannot be read is no reason not to get another one.
func TestRuinedSignatureIsReplaced(t *testing.T) {
	b := withSignature(t, "zig-arm64-mod.so", AdHoc, "<plist/>")
	s := open(t, b).Slices[0]
	fill(b[s.u32(s.signed, 8):], "ruin ")
	if _, err := open(t, b).Slices[0].Signature(); err == nil {
		t.Fatal("it can be read")
	}
	if err := verify(t, edit(t, b, Sign("new"))); err != nil {
		t.Error(err)
	}
	if _, err := open(t, b).Edit(context.Background(), AddRPath("/a")); err == nil || !strings.Contains(err.Error(), "no signature here") {
		t.Errorf("edited without a word: %v", err)
	}
}

func TestDamageIsFound(t *testing.T) {
	b := withSignature(t, "zig-arm64-mod.so", AdHoc, "<plist/>")
	g, err := open(t, b).Slices[0].Signature()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		at   int64
		want string
	}{
		{"in a page", 0x8010, "page 2 (16384 bytes) does not match the SHA-256 digest"},
		{"in the last page", g.off - 1, "does not match the SHA-256 digest"},
		{"in the entitlements", int64(bytes.Index(b, []byte("<plist/>"))), "slot 5 of the signature does not match"},
		{"in a digest", g.directories[0].off + int64(len(g.directories[0].code)), "does not match"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			damaged := bytes.Clone(b)
			damaged[tt.at] ^= 0x20
			if err := verify(t, damaged); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestUnsignedARMIsSigned(t *testing.T) {
	b := unsigned(t, fixture(t, "zig-arm64-mod.so"))
	if err := verify(t, b); err == nil || !strings.Contains(err.Error(), "no signature") {
		t.Fatalf("got %v, want that there is no signature", err)
	}
	signed := edit(t, b, ClearRPaths())
	if err := verify(t, signed); err != nil {
		t.Error(err)
	}
	s := open(t, signed).Slices[0]
	if g, err := s.Signature(); err != nil || g.Identifier != s.identifier("mod.so") {
		t.Errorf("signature %+v, %v", g, err)
	}
	intel := unsigned(t, edit(t, fixture(t, "zig-x86_64-mod.so"), Sign("x")))
	if s := open(t, edit(t, intel, ClearRPaths())).Slices[0]; s.signed != nil {
		t.Error("an x86_64 slice without a signature got one")
	}
}

// unsigned cuts the signature off, and the load command out.
func unsigned(t *testing.T, b []byte) []byte {
	t.Helper()
	s := open(t, b).Slices[0]
	if s.signed == nil {
		return b
	}
	d := newDraft(s)
	p := &plan{s: s, end: int64(s.u32(s.signed, 8))}
	for _, c := range d.commands {
		if c.cmd == types.LC_SEGMENT_64 && cString(c.data[8:24]) == "__LINKEDIT" {
			c.data = bytes.Clone(c.data)
			s.order.PutUint64(c.data[48:], uint64(p.end-s.linkedit().Off))
		}
		if c.cmd != types.LC_CODE_SIGNATURE {
			p.commands = append(p.commands, c)
		}
	}
	o, err := p.run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return contents(t, o)
}

// One digest for each page, the last of which may be a part of one.
func TestDigestsOfPages(t *testing.T) {
	d := &directory{pageSize: 4096, newHash: sha256.New, hashSize: 32}
	for _, size := range []int{0, 1, 4095, 4096, 4097, 8191, 8192, 8193, hashRun - 1, hashRun, hashRun + 1, 2*hashRun + 4096} {
		image := make([]byte, size)
		for i := range image {
			image[i] = byte(i / 4096 * 7)
		}
		var want []byte
		for page := range slices.Chunk(image, 4096) {
			sum := sha256.Sum256(page)
			want = append(want, sum[:]...)
		}
		for _, jobs := range []int{1, 4} {
			got, err := hashPages(context.Background(), io.NewSectionReader(bytes.NewReader(image), 0, int64(size)), d, jobs)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes, %d jobs: %d bytes of digests, %v; want %d", size, jobs, len(got), err, len(want))
			}
		}
	}
	if _, err := hashPages(context.Background(), io.NewSectionReader(bytes.NewReader(make([]byte, 100)), 0, 5000), d, 1); err == nil {
		t.Error("an image that is shorter than it was has digests")
	}
}

// A part of a signature that is not there, or not all of it, is told with its place.
func TestSignatureParts(t *testing.T) {
	signed := made(t, "arch=arm64 type=bundle minos=11.0 signed=adhoc")
	g, err := open(t, signed).Slices[0].Signature()
	if err != nil {
		t.Fatal(err)
	}
	const slot, at = 12, 16 // of the first part, in the SuperBlob
	first := int64(binary.BigEndian.Uint32(signed[g.off+at:]))
	for _, tt := range []struct {
		name string
		off  int64 // of the number that is changed
		n    uint32
		at   int64 // of the fault
		want string
	}{
		{"behind the end", g.off + at, uint32(g.size) - 7, g.off + g.size - 7, "is past its end"},
		{"at the end", g.off + at, uint32(g.size), g.off + g.size, "is past its end"},
		{"without its header", g.off + first + 4, 7, g.off + first + 4, "claims 7 bytes, of"},
		{"longer than all", g.off + first + 4, 1 << 20, g.off + first + 4, "claims 1048576 bytes, of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bytes.Clone(signed)
			binary.BigEndian.PutUint32(b[tt.off:], tt.n)
			_, err := open(t, b).Slices[0].Signature()
			var broken *FormatError
			if !errors.As(err, &broken) || broken.Off != tt.at || !strings.Contains(broken.Rule, tt.want) {
				t.Errorf("got %v, want a fault at %#x that %s", err, tt.at, tt.want)
			}
		})
	}
	if got := binary.BigEndian.Uint32(signed[g.off+slot:]); got != slotDirectory {
		t.Errorf("the first part is for slot %#x, not for the directory", got)
	}
}
