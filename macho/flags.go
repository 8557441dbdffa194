package macho

import (
	"bytes"
	"strings"
)

// A SignatureFlags is the flags field of a CodeDirectory.
type SignatureFlags uint32

// Flags of <kern/cs_blobs.h> that count for an ad-hoc signature.
const (
	AdHoc             SignatureFlags = 0x2     // CS_ADHOC: nobody vouches for it
	CheckExpiration   SignatureFlags = 0x400   // CS_CHECK_EXPIRATION: the certificate may not have expired
	Restrict          SignatureFlags = 0x800   // CS_RESTRICT: dyld heeds no @loader_path of the program
	LibraryValidation SignatureFlags = 0x2000  // CS_REQUIRE_LV: it loads only what its own team has signed
	Runtime           SignatureFlags = 0x10000 // CS_RUNTIME: the hardened runtime, library validation included
	LinkerSigned      SignatureFlags = 0x20000 // CS_LINKER_SIGNED: made by the linker, may be replaced

	// ownFlags are what the owner of the file asked for: CS_HARD, CS_KILL and
	// CS_ENFORCEMENT as well.
	ownFlags = 0x100 | 0x200 | 0x1000 | CheckExpiration | Restrict | LibraryValidation | Runtime
)

// flagNames words the flags that a new signature may drop.
var flagNames = []struct {
	flag SignatureFlags
	name string
}{
	{Runtime, "hardened runtime"}, {LibraryValidation, "library validation"}, {Restrict, "restricted loading"}, {CheckExpiration, "expiry check"},
}

// String names the flags that need a certificate, joined by commas.
func (f SignatureFlags) String() string {
	var names []string
	for _, row := range flagNames {
		if f&row.flag != 0 {
			names = append(names, row.name)
		}
	}
	return strings.Join(names, ", ")
}

// Dropped returns the flags of the signature that an ad-hoc one in its place does not
// get. The hardened runtime and library validation ask for libraries of the same team,
// and what is signed ad hoc has no team: a program would refuse its own libraries. With
// the entitlement to load any library, the hardened runtime stays. The others need a
// certificate, or keep dyld from @loader_path.
func (g *Signature) Dropped() SignatureFlags {
	dropped := g.Flags & (CheckExpiration | Restrict | LibraryValidation)
	if !g.entitled(disableValidation) {
		dropped |= g.Flags & Runtime
	}
	return dropped
}

// ValidatesLibraries reports whether a program with this signature loads no libraries
// but those of macOS and of the team that signed it; of one that is signed ad hoc, macOS's
// alone. The signatures of libraries and bundles have no say in it.
func (g *Signature) ValidatesLibraries() bool {
	return g.Flags&LibraryValidation != 0 || g.Flags&Runtime != 0 && !g.entitled(disableValidation)
}

// disableValidation is the entitlement to load libraries of anyone.
const disableValidation = "com.apple.security.cs.disable-library-validation"

// entitled reports whether the entitlements, an XML property list, say true to a key.
func (g *Signature) entitled(key string) bool {
	for _, b := range g.blobs {
		if b.slot != slotEntitlements {
			continue
		}
		if _, rest, ok := bytes.Cut(b.data, []byte("<key>"+key+"</key>")); ok {
			return bytes.HasPrefix(bytes.TrimSpace(rest), []byte("<true"))
		}
	}
	return false
}
