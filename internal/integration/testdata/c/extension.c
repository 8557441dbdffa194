/* An extension module with one function, call(), which returns what a library
 * says, or what the environment says instead: without that an extension so
 * small would not need libc, from which tools tell glibc and musl apart.
 * -DINIT=PyInit_name -DNAME="name" -DCALLEE=function_of_the_library */
#include <Python.h>

#include <stdlib.h>

extern int CALLEE(void);

static PyObject *call(PyObject *self, PyObject *args)
{
	(void)self, (void)args;
	const char *instead = getenv("CALL_RETURNS");
	return PyLong_FromLong(instead ? atol(instead) : CALLEE());
}

static PyMethodDef methods[] = {{"call", call, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT, .m_name = NAME, .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC INIT(void) { return PyModule_Create(&module); }
