package main

import (
	"runtime/debug"
	"testing"
)

func TestArchivedVersion(t *testing.T) {
	const commit = "6d5f28800112233445566778899aabbccddeeff0"
	for _, tt := range []struct{ text, want string }{
		{"$" + "Format:%(describe:tags=true,match=v*) %H$", ""},
		{"", ""},
		{"v1.2.3 " + commit, "v1.2.3"},
		{"v1.2.3-rc.1 " + commit, "v1.2.3-rc.1"},
		{"v1.2.3-14-g6d5f288 " + commit, "devel-6d5f28800112"},
		{" " + commit, "devel-6d5f28800112"},
		{"%(describe:tags=true,match=v*) " + commit, "devel-6d5f28800112"},
		{"v1.2.3 6d5f", ""},
	} {
		if got := archivedVersion(tt.text); got != tt.want {
			t.Errorf("archivedVersion(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestBuiltVersion(t *testing.T) {
	settings := func(revision, modified string) []debug.BuildSetting {
		return []debug.BuildSetting{{Key: "vcs.revision", Value: revision}, {Key: "vcs.modified", Value: modified}}
	}
	for _, tt := range []struct {
		module   string
		settings []debug.BuildSetting
		want     string
	}{
		{"v1.2.3", nil, "v1.2.3"},
		{"v1.2.4-0.20261126081612-6d5f28800112+dirty", settings("6d5f28800112233445", "true"), "v1.2.4-0.20261126081612-6d5f28800112+dirty"},
		{"(devel)", settings("6d5f28800112233445", "false"), "devel-6d5f28800112"},
		{"(devel)", settings("6d5f28800112233445", "true"), "devel-6d5f28800112+changes"},
		{"(devel)", nil, "devel"},
		{"", nil, "devel"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: tt.module}, Settings: tt.settings}
		if got := builtVersion(info); got != tt.want {
			t.Errorf("builtVersion(%q, %v) = %q, want %q", tt.module, tt.settings, got, tt.want)
		}
	}
}
