//go:build integration

package integration

const androidModule = "demo/sub/_core.so elf aarch64 page=0x4000 export=PyInit__core "

// androidWheels are wheels that both tools repair.
var androidWheels = []androidCase{
	{
		name: "nothing to do", tags: "android_24_arm64_v8a",
		wheel: androidModule + "needed=libpython3.13.so,liblog.so,libm.so,libc.so import=malloc@LIBC:libc.so",
	},
	{
		name: "transitive", tags: "android_24_arm64_v8a", ldpaths: "lib",
		wheel: androidModule + "needed=libdep.so,libpython3.13.so,libc.so runpath=$LIBS/lib import=dep,malloc@LIBC:libc.so",
		libs:  "lib/libdep.so elf aarch64 page=0x4000 soname=libdep.so needed=libinner.so,libc.so runpath=$LIBS/lib export=dep\nlib/libinner.so elf aarch64 page=0x4000 soname=libinner.so needed=libc.so",
	},
	{
		name: "two libraries that need each other", tags: "android_28_x86_64",
		wheel: "demo/_core.so elf x86_64 page=0x4000 export=PyInit__core needed=liba.so import=a",
		libs:  "liba.so elf x86_64 page=0x4000 soname=liba.so needed=libb.so export=a\nlibb.so elf x86_64 page=0x4000 soname=libb.so needed=liba.so",
	},
	{
		name: "a module at the top, two modules", tags: "android_24_arm64_v8a",
		wheel: "_top.so elf aarch64 page=0x4000 export=PyInit__top needed=libdep.so import=dep\n" + androidModule + "needed=libdep.so import=dep",
		libs:  "libdep.so elf aarch64 page=0x4000 soname=libdep.so export=dep",
	},
	{
		name: "a library with a version in its name", tags: "android_24_arm64_v8a",
		wheel: androidModule + "needed=libdep.so.1 import=dep",
		libs:  "libdep.so.1 symlink libdep.so.1.2\nlibdep.so.1.2 elf aarch64 page=0x4000 soname=libdep.so.1 export=dep",
	},
	{
		name: "a search path of the wheel stays", tags: "android_24_arm64_v8a",
		wheel: androidModule + "needed=libown.so,libdep.so runpath=$ORIGIN/../l:/build/lib import=dep,own\ndemo/l/libown.so elf aarch64 page=0x4000 soname=libown.so export=own",
		libs:  "libdep.so elf aarch64 page=0x4000 soname=libdep.so export=dep",
	},
	{
		name: "excluded", tags: "android_24_arm64_v8a", flags: []string{"--exclude", "libgone.so"},
		wheel: androidModule + "needed=libgone.so,libdep.so import=dep",
		libs:  "libdep.so elf aarch64 page=0x4000 soname=libdep.so export=dep",
	},
	{
		name: "another folder", tags: "android_24_arm64_v8a", flags: []string{"-L", "_native"},
		wheel: androidModule + "needed=libdep.so import=dep",
		libs:  "libdep.so elf aarch64 page=0x4000 soname=libdep.so export=dep",
	},
	{
		name: "missing", tags: "android_24_arm64_v8a", refused: true,
		wheel: androidModule + "needed=libdep.so",
	},
	{
		name: "no folder is named", tags: "android_24_arm64_v8a", ldpaths: "-",
		wheel: androidModule + "needed=libdep.so rpath=$LIBS", libs: "libdep.so elf aarch64 page=0x4000 soname=libdep.so",
		ours: refusal,
		theirs: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"demo.libs/libdep-0e9f2e6d.so soname=libdep-0e9f2e6d.so",
			"demo/sub/_core.so needed=libdep-0e9f2e6d.so runpath=$ORIGIN/../../demo.libs",
		),
		told: "No path of the build machine is searched.",
	},
	{
		name: "for ARM, 32 bits", tags: "android_24_armeabi_v7a",
		wheel: "demo/_core.so elf armv7l export=PyInit__core needed=libdep.so import=dep", libs: "libdep.so elf armv7l soname=libdep.so export=dep",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_armeabi_v7a.whl",
			"Tag: cp313-cp313-android_24_armeabi_v7a",
			"demo.libs/libdep-19fac961.so soname=libdep-19fac961.so",
			"demo/_core.so needed=libdep-19fac961.so runpath=$ORIGIN/../demo.libs",
		),
		theirs: refusal,
		told:   "All four architectures of Android",
	},
	{
		name: "for x86, 32 bits", tags: "android_24_x86",
		wheel: "demo/_core.so elf i686 export=PyInit__core needed=libdep.so import=dep", libs: "libdep.so elf i686 soname=libdep.so export=dep",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_x86.whl",
			"Tag: cp313-cp313-android_24_x86",
			"demo.libs/libdep-82517280.so soname=libdep-82517280.so",
			"demo/_core.so needed=libdep-82517280.so runpath=$ORIGIN/../demo.libs",
		),
		theirs: refusal,
		told:   "All four architectures of Android",
	},
	{
		name: "a graft below API level 24", tags: "android_21_arm64_v8a",
		wheel: androidModule + "needed=libdep.so import=dep", libs: "libdep.so elf aarch64 page=0x4000 soname=libdep.so export=dep",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"demo.libs/libdep-a59aaba9.so soname=libdep-a59aaba9.so",
			"demo/sub/_core.so needed=libdep-a59aaba9.so runpath=$ORIGIN/../../demo.libs",
		),
		theirs: refusal,
		told:   "An API level that the wheel does not meet is raised.",
	},
	{
		name: "a library of a later API level", tags: "android_21_arm64_v8a",
		wheel: androidModule + "needed=libvulkan.so",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"demo/sub/_core.so needed=libvulkan.so",
		),
		theirs: refusal,
		told:   "An API level that the wheel does not meet is raised.",
	},
	{
		name: "a symbol of a later API level", tags: "android_21_arm64_v8a",
		wheel: androidModule + "needed=libc.so import=getrandom@LIBC_P:libc.so",
		ours: lines(
			"demo-1.0-cp313-cp313-android_28_arm64_v8a.whl",
			"Tag: cp313-cp313-android_28_arm64_v8a",
		),
		theirs: lines(
			"demo-1.0-cp313-cp313-android_21_arm64_v8a.whl",
			"Tag: cp313-cp313-android_21_arm64_v8a",
		),
		told: "An API level that the wheel does not meet is raised.",
	},
	{
		name: "built for a later API level", tags: "android_21_arm64_v8a",
		wheel: androidModule + "needed=libc.so android=26",
		ours: lines(
			"demo-1.0-cp313-cp313-android_26_arm64_v8a.whl",
			"Tag: cp313-cp313-android_26_arm64_v8a",
		),
		theirs: lines(
			"demo-1.0-cp313-cp313-android_21_arm64_v8a.whl",
			"Tag: cp313-cp313-android_21_arm64_v8a",
		),
		told: "An API level that the wheel does not meet is raised.",
	},
	{
		name: "segments for pages of 4 KiB", tags: "android_24_arm64_v8a",
		wheel: "demo/_core.so elf aarch64 page=0x1000 export=PyInit__core needed=libc.so",
		ours:  refusal,
		theirs: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"demo/_core.so needed=libc.so",
		),
		told: "Segments for pages of 4 KiB are an error",
	},
	{
		name: "DT_RPATH to a library of the wheel", tags: "android_24_arm64_v8a",
		wheel:  androidModule + "needed=libown.so rpath=$ORIGIN/../l import=own\ndemo/l/libown.so elf aarch64 page=0x4000 soname=libown.so export=own",
		ours:   "demo/sub/_core.so needed=libown.so runpath=$ORIGIN/../l",
		theirs: "demo/sub/_core.so needed=libown.so rpath=$ORIGIN/../l",
		told:   "`DT_RPATH` becomes `DT_RUNPATH`.",
	},
	{
		name: "the library of a Python without a lock", tags: "android_24_arm64_v8a",
		wheel: androidModule + "needed=libpython3.13t.so",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"demo/sub/_core.so needed=libpython3.13t.so",
		),
		theirs: refusal,
		told:   "The library of every Python is the system's",
	},
	{
		name: "the stable library of Python", tags: "android_24_arm64_v8a",
		wheel: androidModule + "needed=libpython3.so",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"demo/sub/_core.so needed=libpython3.so",
		),
		theirs: refusal,
		told:   "The library of every Python is the system's",
	},
	{
		name: "two API levels", tags: "android_24_arm64_v8a.android_28_arm64_v8a",
		wheel: androidModule + "needed=libc.so",
		ours: lines(
			"demo-1.0-cp313-cp313-android_24_arm64_v8a.android_28_arm64_v8a.whl",
			"Tag: cp313-cp313-android_24_arm64_v8a",
			"Tag: cp313-cp313-android_28_arm64_v8a",
			"demo/sub/_core.so needed=libc.so",
		),
		theirs: refusal,
		told:   "A name with several API levels",
	},
	{
		name: "a level of which nothing is known yet", tags: "android_99_arm64_v8a",
		wheel: androidModule + "needed=libdep.so import=dep", libs: "libdep.so elf aarch64 page=0x4000 soname=libdep.so export=dep",
	},
	{
		name: "a level before the first", tags: "android_16_arm64_v8a",
		wheel: androidModule + "needed=libc.so",
		ours: lines(
			"demo-1.0-cp313-cp313-android_21_arm64_v8a.whl",
			"Tag: cp313-cp313-android_21_arm64_v8a",
			"demo/sub/_core.so needed=libc.so",
		),
		theirs: refusal,
		told:   "An API level that the wheel does not meet is raised.",
	},
}
