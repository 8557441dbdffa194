package policy

import "testing"

// The versions are those of CPython's Misc/stable_abi.toml.
func TestWhenTheStableABIGotASymbol(t *testing.T) {
	for symbol, want := range map[string]string{
		"PyArg_ParseTuple":          "3.2.0",
		"PyBool_Type":               "3.2.0",
		"PySlice_AdjustIndices":     "3.7.0",
		"PyIter_Send":               "3.10.0",
		"_Py_DecRef":                "3.10.0", // a private name, which macros expand to
		"PyObject_GetBuffer":        "3.11.0",
		"PyObject_Vectorcall":       "3.12.0",
		"PyDict_GetItemRef":         "3.13.0",
		"PyUnicode_AsUTF8":          "",
		"PyUnicode_New":             "",
		"_PyUnicode_Ready":          "",
		"PyList_GET_ITEM":           "", // a macro
		"PyEval_SetProfile":         "",
		"PyModule_FromSlotsAndSpec": "3.15.0",
	} {
		since, stable := StableSince(symbol)
		got := ""
		if stable {
			got = since.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", symbol, got, want)
		}
	}
}
