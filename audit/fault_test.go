package audit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/faultio"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/wheel"
)

// An outcome is what audit and verify say of a wheel, and its copy.
type outcome struct {
	Tag    string
	Told   []string
	Copied []byte
}

// everything audits, verifies and copies the wheel in r.
func everything(name string, r io.ReaderAt, size int64) (*outcome, error) {
	ctx := context.Background()
	w, err := wheel.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	options := audit.Options{Options: linkage.Options{WheelOnly: true}}
	load := audit.LoadOptions{Jobs: 1}
	c, err := audit.Load(ctx, name, w, load)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	rep, err := audit.Assess(ctx, c, options)
	if err != nil {
		return nil, err
	}
	defer rep.Close()
	p, err := audit.Verify(ctx, name, w, audit.VerifyOptions{Options: options, Load: load})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	copied, err := copyOf(ctx, w)
	if err != nil {
		return nil, err
	}
	return &outcome{rep.Tag(), told(p, audit.Fails), copied}, nil
}

// copyOf writes the members of a wheel anew.
func copyOf(ctx context.Context, r *wheel.Reader) ([]byte, error) {
	record, err := r.Record()
	if err != nil {
		return nil, err
	}
	w := wheel.NewWriter(r.DistInfo(), wheel.WriterOptions{Jobs: 1})
	for _, m := range r.Members() {
		if row, ok := record.Row(m.Name); ok && m.Name != r.DistInfo()+"/RECORD" {
			w.Copy(m, row)
		}
	}
	out := &buffer{}
	n, err := w.Write(ctx, out)
	if err != nil {
		return nil, err
	}
	return out.b[:n], nil
}

// A buffer is written to at any place.
type buffer struct{ b []byte }

func (b *buffer) WriteAt(p []byte, off int64) (int, error) {
	if more := off + int64(len(p)) - int64(len(b.b)); more > 0 {
		b.b = append(b.b, make([]byte, more)...)
	}
	return copy(b.b[off:], p), nil
}

// Whichever read of a wheel fails, or gives other bytes from then on: there is an
// error, or nothing has come of it.
func TestWheelOnAFaultyDisk(t *testing.T) {
	for _, tt := range []struct{ name, spec string }{
		{glibcWheel, "demo/_core.so elf x86_64 export=PyInit__core needed=libx.so.1,libc.so.6 rpath=$ORIGIN/../demo.libs\ndemo.libs/libx.so.1 elf x86_64 soname=libx.so.1 needed=libc.so.6\n"},
		{"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "demo/_core.so macho arch=arm64 type=bundle loads=@loader_path/x.dylib signed=adhoc\ndemo/x.dylib macho arch=arm64 id=@rpath/x.dylib signed=adhoc\n"},
	} {
		image, err := wheeltest.Build(tt.name, tt.spec)
		if err != nil {
			t.Fatal(err)
		}
		size := int64(len(image))
		want, err := everything(tt.name, bytes.NewReader(image), size)
		if err != nil {
			t.Fatal(err)
		}
		check := func(n int64, r *faultio.Reader) bool {
			got, err := everything(tt.name, r, size)
			if err == nil {
				told := strings.Contains(strings.Join(got.Told, " "), steady.ErrChanged.Error())
				if diff := cmp.Diff(want, got); diff != "" && !told {
					t.Errorf("%s, read %d: no error, and (-want +got):\n%s", tt.name, n, diff)
					return false
				}
			}
			return true
		}
		faultio.Each(bytes.NewReader(image), func(n int64, r *faultio.Reader) bool {
			got, err := everything(tt.name, r, size)
			// What verify cannot read fails its claim, with the reason.
			told := err == nil && strings.Contains(strings.Join(got.Told, " "), faultio.Err.Error())
			if r.Struck() && !told && !errors.Is(err, faultio.Err) {
				t.Errorf("%s: read %d fails with %v, want %v", tt.name, n, err, faultio.Err)
				return false
			}
			return true
		})
		faultio.EachChange(bytes.NewReader(image), check)
	}
}
