package wheel

import (
	"io/fs"
	"time"
)

// Type bits of st_mode, <sys/stat.h>.
const (
	unixType    = 0o170000
	unixDir     = 0o040000
	unixRegular = 0o100000
)

// fileMode translates st_mode; permission bits that are zero stay zero.
func fileMode(unix uint16, dir bool) fs.FileMode {
	mode := fs.FileMode(unix & 0o777)
	for _, bit := range unixBits {
		if unix&bit.unix != 0 {
			mode |= bit.mode
		}
	}
	if dir {
		mode |= fs.ModeDir
	}
	return mode
}

// unixBits pairs the special permission bits of <sys/stat.h> with Go's.
var unixBits = [...]struct {
	unix uint16
	mode fs.FileMode
}{
	{0o4000, fs.ModeSetuid},
	{0o2000, fs.ModeSetgid},
	{0o1000, fs.ModeSticky},
}

// unixMode is the reverse of fileMode. No permissions stand for "no Unix mode".
func unixMode(mode fs.FileMode, dir bool) uint16 {
	unix := uint16(mode.Perm())
	for _, bit := range unixBits {
		if mode&bit.mode != 0 {
			unix |= bit.unix
		}
	}
	switch {
	case unix == 0:
		return 0
	case dir:
		return unix | unixDir
	}
	return unix | unixRegular
}

// dosToTime reads an MS-DOS date and time (APPNOTE.TXT 4.4.6) as UTC.
func dosToTime(date, clock uint16) time.Time {
	return time.Date(int(date>>9)+1980, time.Month(date>>5&0xf), int(date&0x1f),
		int(clock>>11), int(clock>>5&0x3f), int(clock&0x1f)*2, 0, time.UTC)
}

// timeToDOS rounds down to two seconds and stays within 1980 to 2107, all that
// the format can say.
func timeToDOS(t time.Time) (date, clock uint16) {
	t = t.UTC()
	switch {
	case t.Year() < 1980:
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	case t.Year() > 2107:
		t = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)
	}
	date = uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day())
	clock = uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2)
	return date, clock
}
