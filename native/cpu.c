/* Tells the level of this processor. Plain C for any processor, so that it can be imported before a level is chosen. */
#include <Python.h>

#include "cpu_level.h"

static PyObject* level(PyObject* self, PyObject* unused) {
  (void)self;
  (void)unused;
  return PyUnicode_FromString(cpu_level());
}

static PyMethodDef methods[] = {{"level", level, METH_NOARGS, "level() -> 'v2' | 'v3' | 'v4' | 'base'"},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "cpu", NULL, 0, methods, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_cpu(void) { return PyModuleDef_Init(&module); }
