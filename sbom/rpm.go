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
		blobs func(io.ReaderAt, int64) iter.Seq[[]byte]
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
func (d *Database) readRPM(name string, blobs func(io.ReaderAt, int64) iter.Seq[[]byte], distro string) map[string]*Package {
	f, err := d.root.Open(name)
	if err != nil {
		d.keep(err)
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	r, random := f.(io.ReaderAt)
	if err != nil || !random || info.Size() > maxDatabase {
		return nil
	}
	owners := map[string]*Package{}
	for blob := range blobs(r, info.Size()) {
		pkg, libraries := parseRPMHeader(blob)
		pkg.Distro = distro
		if pkg.Name == "" || pkg.Version == "" {
			continue
		}
		for _, l := range libraries {
			if _, taken := owners[l]; !taken {
				owners[l] = pkg
			}
		}
	}
	return owners
}

// owner returns a copy, which the caller may change.
func (s *rpm) owner(name string) (*Package, bool) {
	return cloneOf(s.owners[name])
}
