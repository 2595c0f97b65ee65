/* What selectolax's generated C uses and Python's stable ABI (PEP 384) of 3.11 does not declare.
 *
 * The macros become functions of the stable ABI, which check the type first and so do no less. The four allocators are
 * exported by every Python since 3.4 and part of the stable ABI since 3.13 (docs.python.org/3/c-api/stable.html).
 */
#include <Python.h>

#define PyBytes_AS_STRING(object) PyBytes_AsString(object)
#define PyByteArray_GET_SIZE(object) PyByteArray_Size(object)
#define PyByteArray_AS_STRING(object) PyByteArray_AsString(object)
#define PyList_GET_SIZE(object) PyList_Size(object)

void *PyMem_RawMalloc(size_t size);
void *PyMem_RawCalloc(size_t count, size_t size);
void *PyMem_RawRealloc(void *pointer, size_t size);
void PyMem_RawFree(void *pointer);
