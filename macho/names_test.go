package macho

import (
	"strings"
	"testing"
)

// Names that share their tails are handed out so often and no more.
func TestNamesThatShareBytes(t *testing.T) {
	const size = 1 << 20
	same, tails := newNameTable([]byte(strings.Repeat("s", size))), newNameTable([]byte(strings.Repeat("s", size)))
	for i := range int64(100_000) {
		if s, err := same.get(0, 0); err != nil || len(s) != size {
			t.Fatalf("one name, time %d: %d bytes, %v", i, len(s), err)
		}
	}
	got := 0
	for i := range int64(size) {
		s, err := tails.get(i, 7)
		if err != nil {
			if !strings.Contains(err.Error(), "names up to here add up to more than 64 times") {
				t.Error(err)
			}
			break
		}
		got += len(s)
	}
	if most := maxSharing*size + sharedSlack; got > most || got < most/2 {
		t.Errorf("%d bytes were handed out, want up to %d", got, most)
	}
	if s, err := same.get(size, 0); s != "" || err != nil {
		t.Errorf("behind the table: %q, %v", s, err)
	}
}

// A walk along an export trie that meets its nodes again ends.
func TestExportTrieInACircle(t *testing.T) {
	label := strings.Repeat("s", 1000)
	e := &Exports{trie: append([]byte{0, 1}, label+"\x00\x00"...), s: &Slice{}}
	if x, err := e.Lookup(strings.Repeat(label, 1000)); x != nil || err != nil {
		t.Errorf("%v, %v", x, err)
	}
	if e.Read() > 4*len(e.trie) {
		t.Errorf("%d bytes of a trie of %d were read", e.Read(), len(e.trie))
	}
}
