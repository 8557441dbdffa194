package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

func TestStoreKeepsContentsWithinAndBeyondTheBudget(t *testing.T) {
	dir := t.TempDir()
	s := NewStore(10, dir)
	texts := []string{"in memory", "past the budget", ""}
	for _, text := range texts {
		c, err := s.Put(strings.NewReader(text+" and more"), int64(len(text)))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
		if err != nil || string(got) != text {
			t.Errorf("got %q, %v, want %q", got, err, text)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("after Close: %v, %v, want an empty directory", left, err)
	}
}

func TestPutReportsShortContent(t *testing.T) {
	for _, budget := range []int64{0, 100} {
		s := NewStore(budget, t.TempDir())
		if _, err := s.Put(bytes.NewReader([]byte("abc")), 4); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("budget %d: got %v, want io.ErrUnexpectedEOF", budget, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
