package sbom

import (
	"io"
	"iter"
)

// Where rpm keeps what it knows: an SQLite database, before rpm 4.16 a Berkeley
// DB, on SUSE a format of rpm's own ("ndb").
const (
	rpmSQLite    = "usr/lib/sysimage/rpm/rpmdb.sqlite"
	rpmSQLiteOld = "var/lib/rpm/rpmdb.sqlite"
	rpmNDB       = "usr/lib/sysimage/rpm/Packages.db"
	rpmNDBOld    = "var/lib/rpm/Packages.db"
	rpmBerkeley  = "var/lib/rpm/Packages"
)

// rpm is the database of rpm.
type rpm struct {
	owners map[string]*Package // by absolute path of a library
}

// newRPM reads the first database that has packages, or returns nil.
func newRPM(d *Database, distro string) source {
	for _, form := range []struct {
		name  string
		blobs func(io.ReaderAt, int64, *health) iter.Seq[[]byte]
	}{
		{rpmSQLite, sqliteBlobs}, {rpmSQLiteOld, sqliteBlobs},
		{rpmNDB, ndbBlobs}, {rpmNDBOld, ndbBlobs}, {rpmBerkeley, berkeleyBlobs},
	} {
		if owners := d.readRPM(form.name, form.blobs, distro); len(owners) > 0 {
			return &rpm{owners}
		}
	}
	return nil
}

// readRPM returns the owners that one database names. Headers are read one after
// the other, so memory is that of the largest and of the result.
func (d *Database) readRPM(name string, blobs func(io.ReaderAt, int64, *health) iter.Seq[[]byte], distro string) map[string]*Package {
	f, info, err := openRegular(d.root, name)
	if err != nil {
		d.keep(name, err)
		return nil
	}
	defer f.Close()
	r, random := f.(io.ReaderAt)
	if !random || info.Size() > maxDatabase {
		d.note(name, errTooLarge.Error())
		return nil
	}
	owners, h := map[string]*Package{}, &health{}
	for blob := range blobs(r, info.Size(), h) {
		pkg, libraries := parseRPMHeader(blob)
		pkg.Distro = distro
		if pkg.Name == "" || pkg.Version == "" {
			h.broken("a header of it is damaged")
			continue
		}
		if !d.file(owners, pkg, libraries) {
			h.broken(tooManyLibraries)
			break
		}
	}
	if h.err != nil {
		d.keep(name, h.err)
	}
	if h.damage != "" {
		d.note(name, h.damage)
	}
	return owners
}

// owner returns a copy, which the caller may change.
func (s *rpm) owner(name string) (*Package, bool) {
	return cloneOf(s.owners[name])
}
