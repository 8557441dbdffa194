/* An extension module with one function, call(), which returns what a library
 * says. -DINIT=PyInit_name -DNAME="name" -DCALLEE=function_of_the_library */
#include <Python.h>

extern int CALLEE(void);

static PyObject *call(PyObject *self, PyObject *args)
{
	(void)self, (void)args;
	return PyLong_FromLong(CALLEE());
}

static PyMethodDef methods[] = {{"call", call, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {.m_base = PyModuleDef_HEAD_INIT, .m_name = NAME, .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC INIT(void) { return PyModule_Create(&module); }
