package audit_test

import (
	"context"
	"slices"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
)

// stableFaults verifies a wheel and returns the faults of its claim about the stable ABI.
func stableFaults(t *testing.T, name, spec string) (faults []string, claimed bool) {
	t.Helper()
	contents, err := load(name, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer contents.Close()
	proof, err := contents.Prove(context.Background(), audit.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer proof.Close()
	for _, c := range proof.Claims {
		if c.Topic == audit.TopicStable {
			claimed = true
			for i := range c.Faults {
				faults = append(faults, c.Faults[i].Text(9))
			}
		}
	}
	return faults, claimed
}

func TestTheStableABIIsHeldTo(t *testing.T) {
	const linux = "manylinux_2_17_x86_64"
	for _, tt := range []struct {
		name, tags, spec string
		want             []string
	}{
		{"what is stable", "cp39-abi3-" + linux, "demo/_core.abi3.so elf x86_64 needed=libc.so.6 import=PyArg_ParseTuple,PyBool_Type,_Py_Dealloc export=PyInit__core", nil},
		{"what is not", "cp39-abi3-" + linux, "demo/_core.abi3.so elf x86_64 needed=libc.so.6 import=PyUnicode_New,_PyUnicode_Ready export=PyInit__core",
			[]string{"demo/_core.abi3.so: not in the stable ABI (PyUnicode_New, _PyUnicode_Ready)"}},
		{"in the order of their names", "cp39-abi3-" + linux, "demo/_core.abi3.so elf x86_64 needed=libc.so.6 import=PyUnicode_New,_PyUnicode_Ready,PyCode_New,PyFrame_New,PyGen_New,PyCell_Get export=PyInit__core",
			[]string{"demo/_core.abi3.so: not in the stable ABI (PyCell_Get, PyCode_New, PyFrame_New, PyGen_New, PyUnicode_New, _PyUnicode_Ready)"}},
		{"what came later", "cp39-abi3-" + linux, "demo/_core.abi3.so elf x86_64 needed=libc.so.6 import=PyObject_GetBuffer,PyObject_Vectorcall export=PyInit__core",
			[]string{"demo/_core.abi3.so: in the stable ABI from CPython 3.11 on, the tag promises 3.9 (PyObject_GetBuffer)", "demo/_core.abi3.so: in the stable ABI from CPython 3.12 on, the tag promises 3.9 (PyObject_Vectorcall)"}},
		{"which a newer tag has", "cp312-abi3-" + linux, "demo/_core.abi3.so elf x86_64 needed=libc.so.6 import=PyObject_GetBuffer,PyObject_Vectorcall export=PyInit__core", nil},
		{"the oldest of several tags counts", "cp310.cp312-abi3-" + linux, "demo/_core.abi3.so elf x86_64 needed=libc.so.6 import=PyObject_GetBuffer export=PyInit__core",
			[]string{"demo/_core.abi3.so: in the stable ABI from CPython 3.11 on, the tag promises 3.10 (PyObject_GetBuffer)"}},
		{"free-threaded CPython", "cp315-abi3t-" + linux, "demo/_core.abi3t.so elf x86_64 needed=libc.so.6 import=PyModule_Exec,PyList_GET_SIZE export=PyInit__core",
			[]string{"demo/_core.abi3t.so: not in the stable ABI (PyList_GET_SIZE)"}},
		{"a name of the wheel's own", "cp39-abi3-" + linux, `demo/_core.abi3.so elf x86_64 needed=libpyown.so rpath=$ORIGIN import=PyOwn_Make export=PyInit__core
			demo/libpyown.so elf x86_64 soname=libpyown.so export=PyOwn_Make`, nil},
	} {
		got, claimed := stableFaults(t, "demo-1.0-"+tt.tags+".whl", tt.spec)
		if !claimed || !slices.Equal(got, tt.want) {
			t.Errorf("%s: claimed %v, %q\nwant %q", tt.name, claimed, got, tt.want)
		}
	}
	if _, claimed := stableFaults(t, "demo-1.0-cp312-cp312-"+linux+".whl", "demo/_core.so elf x86_64 import=PyUnicode_New export=PyInit__core"); claimed {
		t.Error("a wheel for one CPython claims nothing of the stable ABI")
	}
}
