// Package sbom describes grafted libraries, their origin and licence (PEP 770).
//
// Repairing a wheel copies libraries of the system into it, and with them
// somebody else's version, licence and security fixes. [Encode] writes down which
// ones, as a CycloneDX 1.6 document for the sboms folder of a wheel's dist-info;
// scanners then find a vulnerable libpq in a wheel as they would on a host.
// [OpenDatabase] answers where a library came from: it reads the package database
// of the system, or of a sysroot, in the forms of dpkg, apk and rpm (SQLite and
// Berkeley DB). No package manager is run.
//
// The same input gives the same bytes: there is no time, no serial number, and
// everything is sorted.
//
// Databases may be incomplete, damaged or hostile. What cannot be understood makes
// an owner unknown, which is no error but told by [Database.Damage], and costs
// bounded memory; what exists and cannot be read is reported by [OpenDatabase] and
// [Database.Err].
//
// Specifications: CycloneDX 1.6, package URLs (ECMA-427), PEP 770, Debian Policy
// 5.1 (control data) and its machine-readable copyright format 1.0, the installed
// database of apk-tools 2, the header format of RPM 4.
package sbom
