package sbom

import "testing"

func TestPackagePURL(t *testing.T) {
	tests := []struct {
		name string
		pkg  Package
		want string
	}{
		{"plus in a name", Package{Type: "deb", Distro: "debian", Name: "libstdc++6", Version: "12.2.0-14", Arch: "amd64"},
			"pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64"},
		{"epoch, plus and tilde in a version", Package{Type: "deb", Distro: "debian", Name: "zlib1g", Version: "1:1.2.13+dfsg~rc1-1"},
			"pkg:deb/debian/zlib1g@1:1.2.13%2Bdfsg~rc1-1"},
		{"epoch of rpm is a qualifier, after arch", Package{Type: "rpm", Distro: "fedora", Name: "openssl-libs", Version: "3.0.9-2.fc38", Epoch: "1", Arch: "x86_64"},
			"pkg:rpm/fedora/openssl-libs@3.0.9-2.fc38?arch=x86_64&epoch=1"},
		{"rpm keeps its case", Package{Type: "rpm", Distro: "suse", Name: "libSDL2-2_0-0", Version: "2"},
			"pkg:rpm/suse/libSDL2-2_0-0@2"},
		{"no distribution", Package{Type: "apk", Name: "musl", Version: "1.2.4-r2"}, "pkg:apk/musl@1.2.4-r2"},
		{"hostile name", Package{Type: "deb", Name: "a/../b@1?x#y\n", Version: "%"}, "pkg:deb/a%2F..%2Fb%401%3Fx%23y%0A@%25"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.pkg.PURL(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWheelPURL(t *testing.T) {
	tests := []struct {
		name  string
		wheel Wheel
		want  string
	}{
		{"underscores are dashes", Wheel{Name: "Some_Thing", Version: "1.0", Filename: ""}, "pkg:pypi/some-thing@1.0"},
		{"local version", Wheel{Name: "torch", Version: "2.0+cu118", Filename: "torch-2.0+cu118-cp312-cp312-linux_x86_64.whl"},
			"pkg:pypi/torch@2.0%2Bcu118?file_name=torch-2.0%2Bcu118-cp312-cp312-linux_x86_64.whl"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.wheel.PURL(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
