/* A function that asks a library which it opens by its name at run time.
 * -DOPENS=\"libfoo.so.1\" */
#include <dlfcn.h>

int opened(void)
{
	void *library = dlopen(OPENS, RTLD_NOW);
	int (*answer)(void) = library ? (int (*)(void))dlsym(library, "answer") : 0;

	return answer ? answer() : -1;
}
