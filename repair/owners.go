package repair

import (
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/sbom"
)

// owners tells which package a library of the system comes from. The database
// is opened when the first one is asked for.
type owners struct {
	sysroot  string
	database *sbom.Database
}

func (o *owners) of(lib *linkage.File) (*sbom.Package, error) {
	if o.database == nil {
		root, err := linkage.NewRoot(o.sysroot)
		if err != nil {
			return nil, err
		}
		if o.database, err = sbom.OpenDatabase(root.Files()); err != nil {
			return nil, err
		}
	}
	path := lib.SystemPath()
	if path == "" {
		return nil, nil
	}
	pkg, _ := o.database.Owner(path)
	return pkg, nil
}

// err returns what kept the database from being read, nil when nothing did.
func (o *owners) err() error {
	if o.database == nil {
		return nil
	}
	return o.database.Err()
}

// doubts returns why the answers may be wrong.
func (o *owners) doubts() []string {
	if o.database == nil {
		return nil
	}
	return o.database.Damage()
}

// expects reports whether a package should own a library.
func (o *owners) expects(lib *linkage.File) bool {
	return o.database != nil && o.database.Expects(lib.SystemPath())
}
