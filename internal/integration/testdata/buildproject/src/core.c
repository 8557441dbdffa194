#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <xxhash.h>

static PyObject *xxh64(PyObject *self, PyObject *args)
{
	const char *bytes;
	Py_ssize_t size;

	(void)self;
	if (!PyArg_ParseTuple(args, "y#", &bytes, &size))
		return NULL;
	return PyLong_FromUnsignedLongLong(XXH64(bytes, (size_t)size, 0));
}

static PyMethodDef methods[] = {
	{"xxh64", xxh64, METH_VARARGS, "xxh64(data) -> the hash of some bytes"},
	{NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_core", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__core(void)
{
	return PyModule_Create(&module);
}
