package linkage

import "testing"

func TestIsMacSystem(t *testing.T) {
	for name, want := range map[string]bool{
		"/usr/lib":                                        true,
		"/usr/lib/":                                       true,
		"/usr/lib/swift":                                  true,
		"/usr/lib/libz.1.dylib":                           true,
		"/usr/lib64x/a.dylib":                             false,
		"/usr/lib/../local/lib/a.dylib":                   false,
		"/usr/local/lib":                                  false,
		"//usr//lib/./libz.1.dylib":                       true,
		"usr/lib/a.dylib":                                 false,
		"@rpath/usr/lib/a.dylib":                          false,
		"/System":                                         false,
		"/Systems/a.dylib":                                false,
		"/System/Library/Frameworks":                      true,
		"/System/iOSSupport/usr/lib/a":                    true,
		"/System/DriverKit/usr/lib/a":                     true,
		"/System/Volumes":                                 false,
		"/System/Volumes/Data/Users/x/a":                  false,
		"/System/Volumes/Data/usr/lib/a":                  false,
		"/System/Volumes/Preboot/Cryptexes/OS/usr/lib/a":  true,
		"/System/Volumes/Preboot/Cryptexes/OS/opt/a":      false,
		"/System/Volumes/Preboot/Cryptexes/OSX/usr/lib/a": false,
		"/System/Cryptexes/OS/usr/lib/a":                  true,
		"/Library/Developer/CommandLineTools/usr/lib/a":   false,
		"/Library/Frameworks/Python.framework/Python":     false,
		"/System/Library/Frameworks/../../../opt/a.dylib": false,
		"/System/Library/../Volumes/Data/opt/lib/a.dylib": false,
	} {
		if got := IsMacSystem(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestPortableRPath(t *testing.T) {
	for rpath, want := range map[string]bool{
		"@loader_path": true, "@loader_path/../lib": true, "@executable_path/lib": true, "@rpath": true,
		"@loader_pathological": false, "/usr/lib": true, "/usr/lib/swift/": true, "/usr/lib/../local/lib": false,
		"/opt/lib": false, "lib": false, "": false, "$ORIGIN": false, "/System/Volumes/Data/opt": false,
	} {
		if got := PortableRPath(rpath); got != want {
			t.Errorf("%q: %v, want %v", rpath, got, want)
		}
	}
}

func TestFrameworkPartAndPython(t *testing.T) {
	for name, want := range map[string]string{
		"/path/Foo.framework/Foo":                          "Foo.framework/Foo",
		"/path/Foo.framework/Versions/A/Foo":               "Foo.framework/Versions/A/Foo",
		"/path/Foo.framework/Frameworks/Bar.framework/Bar": "Bar.framework/Bar",
		"/path/Foo.framework/Libraries/Bar.dylib":          "",
		"/path/Foo.framework/Resources/deep/Foo":           "",
		"/path/Foo":                                        "",
		"Foo.framework/Foo":                                "Foo.framework/Foo",
	} {
		if got := frameworkPart(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{
		"/Library/Frameworks/Python.framework/Versions/3.12/Python":   true,
		"@rpath/Python3.framework/Versions/3.9/Python3":               true,
		"/Library/Frameworks/PythonT.framework/Versions/3.13/PythonT": true,
		"@rpath/libpython3.12.dylib":                                  true,
		"libpython3.13t.dylib":                                        true,
		"/opt/libpython2.7.dylib":                                     true,
		"/opt/libpython3.6m.dylib":                                    true,
		"/opt/libpython3.so":                                          false,
		"/opt/libboost_python312.dylib":                               false,
		"/opt/libpython.dylib":                                        false,
		"/opt/libpythonnet.dylib":                                     false,
		"/opt/Python.framework/libpython-helper.dylib":                false,
	} {
		if got := IsPythonName(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestSystemPath(t *testing.T) {
	for full, want := range map[string]bool{
		"/usr/lib/libz.1.dylib": true, "/usr/lib/libc++.1.dylib": true, "/usr/lib/libSystem.B.dylib": true, "/usr/lib/z.1.dylib": false,
		"/usr/lib/libfoo.dylib": false, "/usr/lib/libcrypto.dylib": false, "/usr/lib/swift/libswiftCore.dylib": true, "/usr/lib/libswiftCore.dylib": true,
		"/usr/lib/system/libxpc.dylib": true, "/usr/lib/sub/libz.1.dylib": false, "/usr/local/lib/libz.1.dylib": false,
		"/System/Library/Frameworks/Metal.framework/Versions/A/Metal": true, "/System/Library/Frameworks/Python.framework/Versions/2.7/Python": false,
		"/usr/lib/Qt.framework/Qt": false, "/System/Volumes/Data/System/Library/Frameworks/Metal.framework/Metal": false,
	} {
		if _, got := systemPath(full); got != want {
			t.Errorf("%s: %v, want %v", full, got, want)
		}
	}
}
