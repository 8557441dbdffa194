//go:build integration

package integration

import "strings"

const demoPackage = "demo/__init__.py text \"\"\n"

func lines(lines ...string) string { return strings.Join(lines, "\n") }

// delocatedWheels are wheels that both tools repair. The Mach-O files are described
// as machotest reads it; llvm-install-name-tool cannot edit what has no room behind
// the header, nor re-exported and upward libraries, so there are none of these.
var delocatedWheels = []delocated{
	{
		name: "transitive, through links, in a cycle", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/sub/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/lib/libb.1.dylib,/usr/lib/libSystem.B.dylib",
		system: "lib/libb.1.dylib symlink libb.1.2.dylib\n" +
			"lib/libb.1.2.dylib macho arch=arm64 id=/opt/lib/libb.1.dylib minos=11.0 loads=@loader_path/../c/libc.dylib rpaths=/opt/lib\n" +
			"c/libc.dylib macho arch=arm64 id=@rpath/libc.dylib minos=11.0 loads=$SYSTEM/lib/libb.1.dylib",
	},
	{
		name: "several search paths, the second has it", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@rpath/libb.dylib,@rpath/libc.dylib rpaths=$SYSTEM/none,@loader_path/none,$SYSTEM/lib",
		system: "lib/libb.dylib macho arch=arm64 id=/opt/lib/libb.dylib minos=11.0\nlib/libc.dylib macho arch=arm64 id=@rpath/libc.dylib minos=11.0 loads=@loader_path/libb.dylib",
	},
	{
		name: "search paths of the loader", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@rpath/libc.dylib rpaths=$SYSTEM/lib",
		system: "lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib minos=11.0\nlib/libc.dylib macho arch=arm64 id=@rpath/libc.dylib minos=11.0 loads=@rpath/libb.dylib",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/.dylibs/libc.dylib id=/DLC/demo/.dylibs/libc.dylib @loader_path/libb.dylib",
			"demo/a.so @loader_path/.dylibs/libc.dylib",
		), theirs: refusal,
		told: "The search paths of the whole load chain count.",
	},
	{
		name: "two names of one library", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.1.dylib,$SYSTEM/libb.dylib",
		system: "libb.1.dylib macho arch=arm64 id=/opt/libb.1.dylib minos=11.0\nlibb.dylib symlink libb.1.dylib",
		ours:   "demo/a.so @loader_path/.dylibs/libb.1.dylib",
		theirs: "demo/a.so $SYSTEM/libb.1.dylib @loader_path/.dylibs/libb.1.dylib",
		told:   "Two names of one library",
	},
	{
		name: "weak", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=weak:$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
	},
	{
		name: "weak and missing", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=weak:/opt/none/libb.dylib",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/a.so /opt/none/libb.dylib, weak",
		), theirs: refusal,
		told: "A weak library may be missing.",
	},
	{
		name: "missing", refused: true, platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/none/libb.dylib",
	},
	{
		name: "missing, and ignored", platforms: "macosx_11_0_arm64", flags: []string{"--ignore-missing"}, theirFlags: []string{"--ignore-missing-dependencies"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/none/libb.dylib,$SYSTEM/libc.dylib",
		system: "libc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
	},
	{
		name: "excluded", platforms: "macosx_11_0_arm64", flags: []string{"--exclude", "libb*"}, theirFlags: []string{"--exclude", "libb"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@rpath/libb.dylib,$SYSTEM/libc.dylib rpaths=$SYSTEM",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0\nlibc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
		ours:   "demo/a.so @rpath/libb.dylib @loader_path/.dylibs/libc.dylib rpath=$SYSTEM",
		theirs: "demo/a.so @rpath/libb.dylib @loader_path/.dylibs/libc.dylib",
		told:   "A search path to a library that is left out stays",
	},
	{
		name: "top-level module", platforms: "macosx_11_0_arm64",
		wheel:  "a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
	},
	{
		name: "the first of two packages, another folder", platforms: "macosx_11_0_arm64", flags: []string{"-L", "libs"},
		wheel:  "z/__init__.py text \"\"\nb/__init__.py text \"\"\nz/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
	},
	{
		name: "universal", platforms: "macosx_10_9_universal2",
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.12 arch=arm64 id=/opt/libb.dylib minos=11.0",
	},
	{
		name: "a library of its own for each architecture", platforms: "macosx_10_9_universal2",
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libc.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.9\nlibc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
	},
	{
		name: "one search path that leads to two libraries", platforms: "macosx_10_9_universal2",
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=@rpath/libb.dylib rpaths=$SYSTEM/i,$SYSTEM/m arch=arm64 type=bundle minos=11.0 loads=@rpath/libb.dylib rpaths=$SYSTEM/m,$SYSTEM/i",
		system: "i/libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.9\nm/libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
		ours: lines(
			"demo/.dylibs/libb-DIGEST.dylib id=/DLC/demo/.dylibs/libb-DIGEST.dylib",
			"demo/.dylibs/libb-DIGEST.dylib id=/DLC/demo/.dylibs/libb-DIGEST.dylib",
			"demo/a.so arm64 @loader_path/.dylibs/libb-DIGEST.dylib",
			"demo/a.so x86_64 @loader_path/.dylibs/libb-DIGEST.dylib",
		), theirs: lines(
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/a.so arm64 @loader_path/.dylibs/libb.dylib",
			"demo/a.so x86_64 @loader_path/.dylibs/libb.dylib",
		),
		told: "Each slice is looked up on its own.",
	},
	{
		name: "a thin library", platforms: "macosx_10_9_universal2",
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.9",
		ours:   refusal, theirs: lines(
			"demo-1.0-cp312-cp312-macosx_10_9_universal2.whl",
			"Tag: cp312-cp312-macosx_10_9_universal2",
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/a.so arm64 @loader_path/.dylibs/libb.dylib",
			"demo/a.so x86_64 @loader_path/.dylibs/libb.dylib",
		),
		told: "The architectures of the file name are required",
	},
	{
		name: "a thin library, both architectures required", refused: true, platforms: "macosx_10_9_universal2", flags: []string{"--require-archs", "universal2"},
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.9",
	},
	{
		name: "a thin library, one architecture required", platforms: "macosx_10_9_universal2", flags: []string{"--require-archs", "x86_64"},
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.9",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_10_9_x86_64.whl",
			"Tag: cp312-cp312-macosx_10_9_x86_64",
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/a.so arm64 @loader_path/.dylibs/libb.dylib",
			"demo/a.so x86_64 @loader_path/.dylibs/libb.dylib",
		), theirs: refusal,
		told: "`--require-archs` asks for no more than it says.",
	},
	{
		name: "a newer macOS than the tag says", platforms: "macosx_10_9_x86_64",
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.13",
	},
	{
		name: "an older macOS than the tag says", platforms: "macosx_12_0_x86_64",
		wheel:  demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=x86_64 id=/opt/libb.dylib minos=10.13",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_12_0_x86_64.whl",
			"Tag: cp312-cp312-macosx_12_0_x86_64",
		), theirs: lines(
			"demo-1.0-cp312-cp312-macosx_10_13_x86_64.whl",
			"Tag: cp312-cp312-macosx_10_13_x86_64",
		),
		told: "A tag is not lowered.",
	},
	{
		name: "macOS 12.3", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=12.3",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_13_0_arm64.whl",
			"Tag: cp312-cp312-macosx_13_0_arm64",
		), theirs: lines(
			"demo-1.0-cp312-cp312-macosx_12_0_arm64.whl",
			"Tag: cp312-cp312-macosx_12_0_arm64",
		),
		told: "The minimum macOS is rounded up",
	},
	{
		name: "a target that is too old", refused: true, platforms: "macosx_11_0_arm64", env: []string{"MACOSX_DEPLOYMENT_TARGET=11.0"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=13.0",
	},
	{
		name: "a target that is newer than need be", platforms: "macosx_11_0_arm64", env: []string{"MACOSX_DEPLOYMENT_TARGET=14.0"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=13.0",
	},
	{
		name: "any", platforms: "any",
		wheel: demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.13",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_10_13_x86_64.whl",
			"Tag: cp312-cp312-macosx_10_13_x86_64",
		), theirs: lines(
			"demo-1.0-cp312-cp312-any.whl",
			"Tag: cp312-cp312-any",
		),
		told: "`any` becomes the tag of the files.",
	},
	{
		name: "two libraries with one name", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/1/libb.dylib,$SYSTEM/2/libb.dylib",
		system: "1/libb.dylib macho arch=arm64 id=/opt/1/libb.dylib minos=11.0\n2/libb.dylib macho arch=arm64 id=/opt/2/libb.dylib minos=11.0",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/.dylibs/libb-DIGEST.dylib id=/DLC/demo/.dylibs/libb-DIGEST.dylib",
			"demo/.dylibs/libb-DIGEST.dylib id=/DLC/demo/.dylibs/libb-DIGEST.dylib",
			"demo/a.so @loader_path/.dylibs/libb-DIGEST.dylib @loader_path/.dylibs/libb-DIGEST.dylib",
		), theirs: refusal,
		told: "Two libraries with one base name",
	},
	{
		name: "a folder .dylibs that is there", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@loader_path/.dylibs/libb.dylib,$SYSTEM/libc.dylib\ndemo/.dylibs/libb.dylib macho arch=arm64 id=/DLC/demo/.dylibs/libb.dylib minos=11.0",
		system: "libc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/.dylibs/libc.dylib id=/DLC/demo/.dylibs/libc.dylib",
			"demo/a.so @loader_path/.dylibs/libb.dylib @loader_path/.dylibs/libc.dylib",
		), theirs: refusal,
		told: "A folder `.dylibs` that is there already",
	},
	{
		name: "a library of the wheel, by a search path", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@rpath/libb.dylib rpaths=@loader_path/lib\ndemo/lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib minos=11.0",
		ours:  "demo/a.so @rpath/libb.dylib rpath=@loader_path/lib", theirs: "demo/a.so @loader_path/lib/libb.dylib rpath=@loader_path/lib",
		told: "Names that lead to a library of the wheel stay.",
	},
	{
		name: "libraries of the wheel to which no name leads", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=libb.dylib,/opt/none/libc.dylib\ndemo/lib/libb.dylib macho arch=arm64 id=libb.dylib minos=11.0\ndemo/lib/libc.dylib macho arch=arm64 id=/opt/none/libc.dylib minos=11.0",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/a.so @loader_path/lib/libb.dylib @loader_path/lib/libc.dylib",
			"demo/lib/libb.dylib id=libb.dylib",
			"demo/lib/libc.dylib id=/opt/none/libc.dylib",
		), theirs: refusal,
		told: "A library of the wheel to which no name leads is used.",
	},
	{
		name: "a copy of a library that the wheel has", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib\ndemo/lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib minos=11.0",
		system: "libb.dylib macho arch=arm64 id=@rpath/libb.dylib minos=11.0",
		ours: lines(
			"demo/a.so @loader_path/lib/libb.dylib",
		), theirs: lines(
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/a.so @loader_path/.dylibs/libb.dylib",
		),
		told: "The wheel's own copy of a library is used",
	},
	{
		name: "linked to Python", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libpython3.12.dylib,/usr/lib/libSystem.B.dylib",
		system: "libpython3.12.dylib macho arch=arm64 id=/opt/libpython3.12.dylib minos=11.0",
		ours: lines(
			"demo/a.so /usr/lib/libSystem.B.dylib",
		), theirs: lines(
			"demo/.dylibs/libpython3.12.dylib id=/DLC/demo/.dylibs/libpython3.12.dylib",
			"demo/a.so @loader_path/.dylibs/libpython3.12.dylib /usr/lib/libSystem.B.dylib",
		),
		told: "Python is not copied in.",
	},
	{
		name: "linked to Python, and insisted on", platforms: "macosx_11_0_arm64", flags: []string{"--graft", "libpython*"}, theirFlags: []string{},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libpython3.12.dylib",
		system: "libpython3.12.dylib macho arch=arm64 id=/opt/libpython3.12.dylib minos=11.0",
	},
	{
		name: "a library of macOS through a search path", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@rpath/libz.1.dylib rpaths=/usr/lib",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/a.so @rpath/libz.1.dylib rpath=/usr/lib",
		), theirs: refusal,
		told: "Libraries of macOS are known by all their names",
	},
	{
		name: "the user's volume", refused: false, platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/System/Volumes/Data/Users/me/libb.dylib",
		ours:  refusal, theirs: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/a.so /System/Volumes/Data/Users/me/libb.dylib",
		),
		told: "Libraries of macOS are known by all their names",
	},
	{
		name: "DYLD_FALLBACK_LIBRARY_PATH", platforms: "macosx_11_0_arm64", env: []string{"DYLD_FALLBACK_LIBRARY_PATH=$SYSTEM"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/none/libb.dylib,@rpath/libc.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0\nlibc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
	},
	{
		name: "a program and its library", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/bin/tool macho arch=arm64 type=execute minos=11.0 loads=@executable_path/../lib/libb.dylib\ndemo/lib/libb.dylib macho arch=arm64 id=@rpath/libb.dylib minos=11.0",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/bin/tool @executable_path/../lib/libb.dylib",
			"demo/lib/libb.dylib id=@rpath/libb.dylib",
		), theirs: refusal,
		told: "A program of the wheel has its own `@executable_path`.",
	},
	{
		name: "excluded by a pattern", platforms: "macosx_11_0_arm64", flags: []string{"--exclude", "lib[bc]*"},
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/none/libb.dylib",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/a.so /opt/none/libb.dylib",
		), theirs: refusal,
		told: "`--exclude` takes patterns",
	},
	{
		name: "helpers for one architecture each", platforms: "macosx_10_9_universal2",
		wheel: demoPackage + "demo/a.so macho arch=x86_64 type=bundle minos=10.9 arch=arm64 type=bundle minos=11.0\ndemo/h_x86_64.dylib macho arch=x86_64 id=h_x86_64.dylib minos=10.9\ndemo/h_arm64.dylib macho arch=arm64 id=h_arm64.dylib minos=11.0",
	},
	{
		name: "a search path of the build, nothing to copy", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/usr/lib/libSystem.B.dylib rpaths=/opt/build/lib",
		ours:  "demo/a.so /usr/lib/libSystem.B.dylib", theirs: "demo/a.so /usr/lib/libSystem.B.dylib rpath=/opt/build/lib",
		told: "Search paths of the build machine go from every file",
	},
	{
		name: "search paths are to stay", platforms: "macosx_11_0_arm64", flags: []string{"--no-sanitize-rpaths"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@rpath/libb.dylib rpaths=$SYSTEM,@loader_path",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0 rpaths=/opt/build/lib",
	},
	{
		name: "the folder of the program", platforms: "macosx_11_0_arm64", flags: []string{"--executable-path", "$SYSTEM/bin"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=@executable_path/../lib/libb.dylib",
		system: "bin dir\nlib/libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
		ours: lines(
			"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl",
			"Tag: cp312-cp312-macosx_11_0_arm64",
			"demo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
			"demo/a.so @loader_path/.dylibs/libb.dylib",
		), theirs: refusal,
		told: "`--executable-path` is heeded.",
	},
	{
		name: "a file with another ending", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo/plugin macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
	},
	{
		name: "a file with another ending is left out", platforms: "macosx_11_0_arm64", flags: []string{"--dylibs-only"},
		wheel:  demoPackage + "demo/plugin macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib\ndemo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libc.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0\nlibc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
	},
	{
		name: "DYLD_LIBRARY_PATH", platforms: "macosx_11_0_arm64", env: []string{"DYLD_LIBRARY_PATH=$SYSTEM"},
		wheel:  demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/none/libb.dylib,@rpath/libc.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0\nlibc.dylib macho arch=arm64 id=/opt/libc.dylib minos=11.0",
	},
	{
		name: "a program in .data", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo-1.0.data/scripts/tool macho arch=arm64 type=execute minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
		ours:   "demo-1.0.data/data/lib/demo.dylibs/libb.dylib id=/DLC/demo-1.0.data/data/lib/demo.dylibs/libb.dylib\ndemo-1.0.data/scripts/tool @loader_path/../lib/demo.dylibs/libb.dylib",
		theirs: "demo-1.0.data/scripts/tool @loader_path/../../demo/.dylibs/libb.dylib\ndemo/.dylibs/libb.dylib id=/DLC/demo/.dylibs/libb.dylib",
		told:   "Paths are those after installation.",
	},
	{
		name: "a module in .data", platforms: "macosx_11_0_arm64",
		wheel:  demoPackage + "demo-1.0.data/platlib/demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=$SYSTEM/libb.dylib",
		system: "libb.dylib macho arch=arm64 id=/opt/libb.dylib minos=11.0",
		ours:   "demo-1.0.data/platlib/demo/a.so @loader_path/.dylibs/libb.dylib", theirs: "demo-1.0.data/platlib/demo/a.so @loader_path/../../../demo/.dylibs/libb.dylib",
		told: "Paths are those after installation.",
	},
	{
		name: "linked by zig for arm64", platforms: "macosx_11_0_arm64", env: []string{"DYLD_LIBRARY_PATH=$SYSTEM"},
		wheel:  demoPackage + "demo/mod.so file ../../macho/testdata/zig-arm64-mod.so",
		system: "libdep.1.0.dylib file ../../macho/testdata/zig-arm64-libdep.dylib\nlibdep.1.dylib symlink libdep.1.0.dylib",
	},
	{
		name: "linked by zig for x86_64", platforms: "macosx_11_0_x86_64", env: []string{"DYLD_LIBRARY_PATH=$SYSTEM"},
		wheel:  demoPackage + "demo/mod.so file ../../macho/testdata/zig-x86_64-mod.so",
		system: "libdep.1.0.dylib file ../../macho/testdata/zig-x86_64-libdep.dylib\nlibdep.1.dylib symlink libdep.1.0.dylib",
	},
	{
		name: "libraries that the system has", platforms: "macosx_11_0_arm64",
		wheel: demoPackage + "demo/a.so macho arch=arm64 type=bundle minos=11.0 loads=/usr/lib/libz.1.dylib,/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate",
	},
}

var publishedWheels = []published{
	{name: "psycopg2_binary-2.9.13-cp312-cp312-macosx_10_13_x86_64", undelocated: true},
	{name: "h5py-3.16.0-cp312-cp312-macosx_11_0_arm64", undelocated: true},
	{
		name: "pillow-13.0.0-cp312-cp312-macosx_11_0_arm64", undelocated: true,
		ours:   "PIL/.dylibs/libjpeg.62.4.0.dylib id=/DLC/PIL/.dylibs/libjpeg.62.4.0.dylib /usr/lib/libSystem.B.dylib",
		theirs: "PIL/.dylibs/libjpeg.62.4.0.dylib id=/DLC/PIL/.dylibs/libjpeg.62.4.0.dylib /usr/lib/libSystem.B.dylib rpath=/Users/runner/work/Pillow/Pillow/build/deps/darwin/lib",
		told:   "Search paths of the build machine go from every file",
	},
	{
		name: "shapely-2.2.0-cp312-cp312-macosx_11_0_arm64", undelocated: true,
		ours:   "shapely/_geos.cpython-312-darwin.so /usr/lib/libSystem.B.dylib",
		theirs: "shapely/_geos.cpython-312-darwin.so /usr/lib/libSystem.B.dylib rpath=/Users/runner/work/_temp/geos-3.14.1/lib",
		told:   "Search paths of the build machine go from every file",
	},
	{name: "cryptography-48.0.1-cp311-abi3-macosx_10_9_universal2"},
	{name: "protobuf-7.36.2-cp310-abi3-macosx_10_9_universal2"},
	{name: "kiwisolver-1.5.1-cp312-cp312-macosx_10_13_universal2"},
	{name: "lxml-6.1.3-cp312-cp312-macosx_10_13_x86_64"},
	{
		name: "pyzmq-27.3.0-cp312-abi3-macosx_10_15_universal2",
		ours: lines(
			"zmq/.dylibs/libsodium.26.dylib arm64 id=/DLC/zmq/.dylibs/libsodium.26.dylib /usr/lib/libSystem.B.dylib",
			"zmq/.dylibs/libsodium.26.dylib x86_64 id=/DLC/zmq/.dylibs/libsodium.26.dylib /usr/lib/libSystem.B.dylib",
		),
		theirs: lines(
			"zmq/.dylibs/libsodium.26.dylib arm64 id=/DLC/zmq/.dylibs/libsodium.26.dylib /usr/lib/libSystem.B.dylib rpath=/tmp/zmq/lib",
			"zmq/.dylibs/libsodium.26.dylib x86_64 id=/DLC/zmq/.dylibs/libsodium.26.dylib /usr/lib/libSystem.B.dylib rpath=/tmp/zmq/lib",
		),
		told: "Search paths of the build machine go from every file",
	},
}
