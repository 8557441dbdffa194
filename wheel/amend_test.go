package wheel_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

// Rows that are only malformed are amended; those that contradict the archive need
// to be asked for.
func TestRecordIsAmended(t *testing.T) {
	sum := sha256.Sum256([]byte("x\n"))
	weak := md5.Sum([]byte("x\n"))
	right := "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:])
	other := sha256.Sum256([]byte("y\n"))
	for _, tt := range []struct {
		name, row string // what RECORD says of demo/x.txt
		amended   bool
		false_    bool // it takes rewrite
	}{
		{"right", "demo/x.txt," + right + ",2", false, false},
		{"hex", "demo/x.txt,sha256=" + hex.EncodeToString(sum[:]) + ",2", true, false},
		{"what str() makes of bytes", "demo/x.txt,sha256=b'" + base64.URLEncoding.EncodeToString(sum[:]) + "',2", true, false},
		{"the other alphabet, padded", "demo/x.txt,sha256=" + base64.StdEncoding.EncodeToString(sum[:]) + ",2", true, false},
		{"capitals", "demo/x.txt,SHA256=" + right[len("sha256="):] + ",2", true, false},
		{"md5", "demo/x.txt,md5=" + base64.RawURLEncoding.EncodeToString(weak[:]) + ",2", true, false},
		{"no size", "demo/x.txt," + right + ",", true, false},
		{"a size that is none", "demo/x.txt," + right + ",two", true, false},
		{"no hash", "demo/x.txt,,2", true, false},
		{"no columns", "demo/x.txt", true, false},
		{"twice the same", "demo/x.txt," + right + ",2\ndemo/x.txt," + right + ",2", false, false},
		{"hex of another content", "demo/x.txt,sha256=" + hex.EncodeToString(other[:]) + ",2", true, true},
		{"another content", "demo/x.txt,sha256=" + base64.RawURLEncoding.EncodeToString(other[:]) + ",2", true, true},
		{"another size", "demo/x.txt," + right + ",3", true, true},
		{"two that differ", "demo/x.txt," + right + ",2\ndemo/x.txt,,", true, true},
		{"an algorithm of tomorrow", "demo/x.txt,sha7=abc,2", true, true},
		{"no digest", "demo/x.txt,sha256=abc,2", true, true},
		{"no row", "", true, true},
		{"a row too many", "demo/x.txt," + right + ",2\ndemo/gone.txt," + right + ",2", true, true},
		{"no RECORD that can be read", "\"demo/x.txt," + right, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image := withRow(t, tt.row)
			for _, rewrite := range []bool{false, true} {
				r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
				if err != nil {
					t.Fatal(err)
				}
				amendments, err := r.ScanAmending(context.Background(), 2, rewrite, nil)
				if tt.false_ && !rewrite {
					if !errors.As(err, new(*wheel.RecordError)) {
						t.Errorf("got %v, want a RecordError", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if (len(amendments) > 0) != tt.amended {
					t.Errorf("rewrite %v: amended %+v, want %v", rewrite, amendments, tt.amended)
				}
				record, err := r.LenientRecord()
				if err != nil {
					t.Fatal(err)
				}
				want := wheel.RecordRow{Path: "demo/x.txt", Hash: right, Size: 2}
				if got, _ := record.Amend(amendments).Row("demo/x.txt"); got != want {
					t.Errorf("rewrite %v: the row became %+v, want %+v", rewrite, got, want)
				}
			}
		})
	}
}

// withRow returns a wheel whose RECORD has one row or several for demo/x.txt.
func withRow(t *testing.T, rows string) []byte {
	t.Helper()
	hashOf := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return fmt.Sprintf("sha256=%s,%d", base64.RawURLEncoding.EncodeToString(sum[:]), len(s))
	}
	const metadata, info = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
	record := "demo-1.0.dist-info/METADATA," + hashOf(metadata) + "\ndemo-1.0.dist-info/WHEEL," + hashOf(info) + "\ndemo-1.0.dist-info/RECORD,,\n" + rows + "\n"
	image, err := wheeltest.Build("demo-1.0-py3-none-any.whl", fmt.Sprintf("demo/x.txt text \"x\"\ndemo-1.0.dist-info/METADATA raw %q\ndemo-1.0.dist-info/WHEEL raw %q\ndemo-1.0.dist-info/RECORD raw %q", metadata, info, record))
	if err != nil {
		t.Fatal(err)
	}
	return image
}
