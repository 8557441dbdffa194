//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// browser returns a browser that shows pages without a screen.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no chromium is installed")
	return ""
}

// measureFrames puts pages into frames of one width each, unfolds what is folded, and writes which
// element reaches beyond the frame, but for those in a box that scrolls, and which table is
// wider than its box.
const measureFrames = `<pre id=result></pre><script>
addEventListener('load', () => {
  const out = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, width = page.documentElement.clientWidth;
    for (const d of page.querySelectorAll('details')) d.open = true;
    const inBox = e => { for (let p = e.parentElement; p; p = p.parentElement) if (['auto', 'hidden'].includes(frame.contentWindow.getComputedStyle(p).overflowX)) return true; };
    const beyond = [...page.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().width && e.getBoundingClientRect().right > width + 1 && !inBox(e));
    const wide = [...page.querySelectorAll('.scroll')].filter(e => e.querySelector('table') && e.scrollWidth > e.clientWidth + 1);
    out.push({name: frame.name, width, page: page.documentElement.scrollWidth, beyond: beyond.map(e => e.outerHTML.slice(0, 80)), wide: wide.map(e => e.textContent.slice(0, 80)), headings: page.querySelectorAll('h2').length});
  }
  document.getElementById('result').textContent = JSON.stringify(out);
});
</script>`

// TestPagesFitPhonesAndDesktops shows audits in a browser: nothing reaches beyond the page, on
// a phone and on a wide screen, however long the names of files and libraries are.
func TestPagesFitPhonesAndDesktops(t *testing.T) {
	chromium := browser(t)
	dir := t.TempDir()
	long := strings.Repeat("a_name_without_a_place_to_break_it", 4)
	var frames strings.Builder
	for name, spec := range map[string]string{
		"linux-1.0-cp312-cp312-linux_x86_64.whl":       "linux/" + long + ".so  elf x86_64 needed=lib" + long + ".so.1,libc.so.6 import=memcpy@GLIBC_2.28:libc.so.6 export=PyInit_x",
		"mac-1.0-cp312-cp312-macosx_11_0_arm64.whl":    "mac/_core.so macho arch=arm64 type=bundle minos=11.0 signed=adhoc loads=/System/Library/Frameworks/Accelerate.framework/Versions/A/Frameworks/vecLib.framework/Versions/A/libLAPACK.dylib,/opt/" + long + ".dylib",
		"windows-1.0-cp312-cp312-win_amd64.whl":        "windows/_core.pyd  pe x64 needed=" + long + ".dll:Sleep,python312.dll:PyLong_FromLong export=PyInit__core",
		"broken-1.0-cp312-cp312-manylinux1_x86_64.whl": "broken/_core.so  elf x86_64 needed=libc.so.6 import=pthread_create@GLIBC_2.34:libc.so.6 export=PyInit__core",
	} {
		image, err := wheeltest.Build(name, spec)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, image, 0o666); err != nil {
			t.Fatal(err)
		}
		page := wheelmend(t, "audit", "--format", "html", path).stdout
		if !strings.Contains(page, "</html>") {
			t.Fatalf("%s: no whole page: %s", name, page)
		}
		for _, width := range []int{360, 1280} {
			fmt.Fprintf(&frames, "<iframe name=\"%s at %d\" width=%d height=800 srcdoc=\"%s\"></iframe>\n", name, width, width, html.EscapeString(page))
		}
	}
	outer := filepath.Join(dir, "outer.html")
	if err := os.WriteFile(outer, []byte("<!DOCTYPE html><body>"+frames.String()+measureFrames), 0o666); err != nil {
		t.Fatal(err)
	}
	shown := run(t, nil, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"), "--virtual-time-budget=10000", "--dump-dom", "file://"+outer).must(t).stdout
	result := regexp.MustCompile(`<pre id="result">(.*?)</pre>`).FindStringSubmatch(shown)
	if result == nil {
		t.Fatalf("nothing was measured: %.300s", shown)
	}
	var pages []struct {
		Name         string
		Width, Page  int
		Beyond, Wide []string
		Headings     int
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(result[1])), &pages); err != nil || len(pages) != 8 {
		t.Fatalf("%v: %d pages: %s", err, len(pages), result[1])
	}
	for _, p := range pages {
		if p.Headings == 0 {
			t.Errorf("%s: an empty page", p.Name)
		}
		if p.Page > p.Width || len(p.Beyond)+len(p.Wide) > 0 {
			t.Errorf("%s: %d columns of %d: beyond the page %q, wider than their box %q", p.Name, p.Page, p.Width, p.Beyond, p.Wide)
		}
	}
}
