//go:build !release

package main

// archived says what an archive of the repository was made of: the newest tag, if
// there is one, and the commit. `git archive` and the forges that call it put them in
// (see .gitattributes); in a checkout the text stays as it is.
const archived = "$Format:%(describe:tags=true,match=v*) %H$"
