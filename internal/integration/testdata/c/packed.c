/* An extension module that wants nothing of libc, and whose call() follows an address
 * that the loader has to move: linked with -z pack-relative-relocs, it has DT_RELR and
 * no version tells so. -DINIT=PyInit_name -DNAME="name" */
#include <Python.h>

static long answer(void) { return 42; }
static long (*volatile pointer)(void) = answer;

static PyObject *call(PyObject *self, PyObject *args)
{
	(void)self, (void)args;
	return PyLong_FromLong(pointer());
}

static PyMethodDef methods[] = {{"call", call, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT, .m_name = NAME, .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC INIT(void) { return PyModule_Create(&module); }
