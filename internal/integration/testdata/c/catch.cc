// An extension module that catches what throw.cc throws.
#include <Python.h>

#include <stdexcept>

extern "C" void thrower(int code);

static PyObject *call(PyObject *, PyObject *)
{
	try {
		thrower(42);
	} catch (const std::logic_error &caught) {
		return PyUnicode_FromString(caught.what());
	}
	return PyUnicode_FromString("nothing");
}

static PyMethodDef methods[] = {{"call", call, METH_NOARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef module = {PyModuleDef_HEAD_INIT, "catching", "", -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_catching() { return PyModule_Create(&module); }
