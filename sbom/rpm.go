package sbom

// Where rpm keeps what it knows.
const (
	rpmSQLite    = "usr/lib/sysimage/rpm/rpmdb.sqlite"
	rpmSQLiteOld = "var/lib/rpm/rpmdb.sqlite"
	rpmBerkeley  = "var/lib/rpm/Packages"
)

func newRPM(*Database, string) source { return nil }
