package audit

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/order"
	"github.com/wheelmend/wheelmend/linkage"
)

// A Bundled is a library that the wheel carries for its own files.
type Bundled struct {
	Path     string   // member
	Name     string   // file name without what a repair has put in: "libz.so.1.2.13"
	Package  string   // of whose it is, "" when nothing tells
	Version  string   // of the package, "" when nothing tells
	Licence  string   // that a bill of materials names, "" when nothing tells
	Size     int64    // bytes
	NeededBy []string // members, in their order; empty for one that code opens at run time
}

// Bundled returns the libraries that other files of the wheel need, and those in a folder
// of libraries that a repair has made, sorted by member. The packages are those that
// the bills of materials of the wheel name (PEP 770), else what the library says of itself.
func (r *Report) Bundled() []Bundled {
	if r.system == nil {
		return nil
	}
	neededBy := r.neededInside()
	parts := r.parts()
	var out []Bundled
	for _, f := range r.Graph.Members {
		by := neededBy[f]
		if len(by) == 0 && !inLibraryFolder(f.Path) {
			continue
		}
		b := Bundled{Path: f.Path, Name: PlainName(path.Base(f.Path)), Size: f.Content.Size(), NeededBy: by}
		if part := parts.of(f.Path, b.Name); part != nil {
			b.Package, b.Version, b.Licence = part.called, part.Version, part.licence()
		}
		if b.Version == "" {
			b.Package, b.Version = saidBy(b.Name, f.Content)
		}
		out = append(out, b)
	}
	order.Stable(out, func(a, b Bundled) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// neededInside returns which members need a member.
func (r *Report) neededInside() map[*linkage.File][]string {
	by := map[*linkage.File][]string{}
	for _, f := range r.Graph.Members {
		for _, l := range r.system.loads(f) {
			to := l.need.To
			if to == nil || !to.InWheel || to.File == f {
				continue
			}
			if seen := by[to.File]; len(seen) == 0 || seen[len(seen)-1] != f.Path {
				by[to.File] = append(seen, f.Path)
			}
		}
	}
	return by
}

// inLibraryFolder reports whether a member lies in a folder that auditwheel, delocate or
// a repair makes for libraries.
func inLibraryFolder(member string) bool {
	dir := path.Dir(member)
	return strings.HasSuffix(dir, ".libs") || path.Base(dir) == ".dylibs"
}

// grafted is what repairs put into the name of a library: eight hexadecimal digits.
var grafted = regexp.MustCompile(`-[0-9a-f]{8}(\.|$)`)

// PlainName returns the name that a library had before auditwheel or a repair copied it in:
// without the eight hexadecimal digits.
func PlainName(base string) string {
	for {
		at := grafted.FindStringIndex(base)
		if at == nil {
			return base
		}
		base = base[:at[0]] + base[at[0]+9:]
	}
}

// A part is a component of a bill of materials.
type part struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Evidence struct {
		Occurrences []struct {
			Location string `json:"location"`
		} `json:"occurrences"`
	} `json:"evidence"`
	PURL     string `json:"purl"`
	Licenses []struct {
		License struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"license"`
		Expression string `json:"expression"`
	} `json:"licenses"`

	called string // how its package is called
}

// licence returns the licences that the component names (CycloneDX 1.6, licenses).
func (p *part) licence() string {
	var names []string
	for _, l := range p.Licenses {
		if name := cmp.Or(l.Expression, l.License.ID, l.License.Name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// parts are the components of the wheel's bills of materials.
type parts []part

// maxBill is how much of a bill of materials is read, in bytes. Those of wheels that are
// built from hundreds of crates have 400 KB.
const maxBill = 4 << 20

// parts reads the bills of materials. One that cannot be read tells nothing.
func (r *Report) parts() parts {
	var all parts
	dir := r.Contents.Reader.DistInfo() + "/sboms/"
	for _, m := range r.Contents.Reader.Members() {
		if !strings.HasPrefix(m.Name, dir) || !strings.HasSuffix(m.Name, ".json") || m.Size > maxBill {
			continue
		}
		content, err := m.Open()
		if err != nil {
			continue
		}
		var bill struct {
			Components []part `json:"components"`
		}
		if json.NewDecoder(io.LimitReader(content, maxBill)).Decode(&bill) == nil {
			all = append(all, bill.Components...)
		}
		_ = content.Close()
	}
	return all
}

// of returns the component that a member is of, nil if there is none. A bill that names no
// files, as auditwheel's, is asked for a package that is called as the library is.
func (p parts) of(member, name string) *part {
	for i := range p {
		for _, o := range p[i].Evidence.Occurrences {
			if o.Location == member {
				p[i].called = p[i].packageName(member)
				return &p[i]
			}
		}
	}
	stem := stemOf(name)
	for i := range p {
		own := stemOf(strings.TrimSuffix(p[i].Name, "-libs"))
		if own == stem || own == stemOf(homes[stem]) && own != "" {
			p[i].called = p[i].Name
			return &p[i]
		}
	}
	return nil
}

// packageName is the name in the package URL, which a distribution gave, or that of the
// component, unless it is that of the file. See https://github.com/package-url/purl-spec.
func (p *part) packageName(member string) string {
	switch {
	case p.PURL == "" && p.Name == path.Base(member):
		return ""
	case p.PURL == "":
		return p.Name
	}
	url, _, _ := strings.Cut(p.PURL, "@")
	return cmp.Or(path.Base(strings.TrimSuffix(url, "/")), p.Name)
}

// stemOf returns the name of a library without lib and versions: "png" of libpng16.so.16.
func stemOf(name string) string {
	stem, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(name), "lib"), ".")
	return strings.TrimRight(stem, "-0123456789_")
}

// homes are the projects of libraries that are not called after them.
var homes = map[string]string{
	"crypto": "openssl", "ssl": "openssl", "k5crypto": "krb5", "krb5support": "krb5", "gssapi_krb": "krb5",
	"lber": "openldap", "ldap": "openldap", "ldap_r": "openldap", "sasl": "cyrus-sasl-lib", "pq": "postgresql",
	"scipy_openblas64": "openblas", "scipy_openblas": "openblas", "openblasp-r": "openblas", "avcodec": "ffmpeg",
	"avformat": "ffmpeg", "avutil": "ffmpeg", "swscale": "ffmpeg", "swresample": "ffmpeg", "lzma": "xz", "z": "zlib",
}

// saidBy returns the project of a library and the version that its file has in a text.
func saidBy(name string, content linkage.Content) (project, version string) {
	// The texts before the versions: crypto/cversion.c of OpenSSL, deflate.c of zlib,
	// png.c of libpng, jversion.h of libjpeg-turbo, tiffvers.h of libtiff,
	// openblas_get_config.c, lib/version.c of curl, libavutil/version.c of FFmpeg.
	texts := map[string]string{
		"crypto": "OpenSSL ", "ssl": "OpenSSL ", "z": "deflate ", "png": "libpng version ", "jpeg": "libjpeg-turbo version ",
		"turbojpeg": "libjpeg-turbo version ", "tiff": "LIBTIFF, Version ", "openblas": "OpenBLAS ", "openblasp-r": "OpenBLAS ",
		"scipy_openblas": "OpenBLAS ", "curl": "libcurl/", "avutil": "FFmpeg version ",
	}
	stem := stemOf(name)
	text := texts[stem]
	if text == "" {
		return "", ""
	}
	found := versionAfter(content, text)
	if found == "" {
		return "", ""
	}
	return cmp.Or(homes[stem], stem), found
}

// release is a version as it stands in the text of a library: "1.1.1k", "n8.0".
var release = regexp.MustCompile(`^n?(\d+\.\d+[0-9a-z.]*)`)

// versionAfter returns the first version that follows a text in a file.
func versionAfter(content linkage.Content, text string) string {
	const window, overlap = 1 << 20, 64
	buf := make([]byte, window)
	for off := int64(0); off < content.Size(); off += window - overlap {
		n, err := content.ReadAt(buf, off)
		if err != nil && err != io.EOF {
			return ""
		}
		rest := buf[:n]
		for {
			at := bytes.Index(rest, []byte(text))
			if at < 0 {
				break
			}
			rest = rest[at+len(text):]
			if m := release.FindSubmatch(rest); m != nil {
				return strings.TrimRight(string(m[1]), ".")
			}
		}
	}
	return ""
}
