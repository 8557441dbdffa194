//go:build integration

package integration

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// A packageIndex is a pypiserver of the test's own, which takes uploads from
// one user.
type packageIndex struct {
	url  string // the server itself; an upload goes there
	dir  string // where it keeps packages
	user string
	pass string
}

// newIndex starts a pypiserver that stops with the test.
func newIndex(t *testing.T) *packageIndex {
	t.Helper()
	x := &packageIndex{dir: t.TempDir(), user: "__token__", pass: "pypi-correct-horse-battery-staple"}
	users := filepath.Join(t.TempDir(), "htpasswd")
	run(t, nil, peer(t, "python"), "-c", `import sys
from passlib.apache import HtpasswdFile
users = HtpasswdFile(sys.argv[1], new=True, default_scheme="sha256_crypt")
users.set_password(*sys.argv[2:])
users.save()`, users, x.user, x.pass).must(t)

	port := freePort(t)
	x.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	cmd := exec.CommandContext(t.Context(), peer(t, "pypi-server"), "run", "-i", "127.0.0.1",
		"-p", fmt.Sprint(port), "-P", users, "-a", "update", "--disable-fallback", x.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // the context of the test ends it
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		r, err := http.Get(x.url + "/simple/")
		if err == nil {
			r.Body.Close()
			return x
		}
		if time.Now().After(deadline) {
			t.Fatalf("pypi-server does not answer: %v", err)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// dropping returns the address of a server in front of the index that hangs up
// on the first n uploads.
func (x *packageIndex) dropping(t *testing.T, n int32) (address string, dropped *atomic.Int32) {
	t.Helper()
	to, err := url.Parse(x.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	dropped = new(atomic.Int32)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && dropped.Load() < n {
			dropped.Add(1)
			panic(http.ErrAbortHandler) // closes the connection without an answer
		}
		proxy.ServeHTTP(w, r)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String(), dropped
}
