/* One of everything that an editor must carry along: versioned imports, a
   dependency, a thread-local variable, a constructor, .bss, and a pointer that
   needs a relocation. fixture(1) is 46 in the first call, 47 in the second. */
#include <string.h>
#include <sys/random.h>

int dep(int);

int answer = 42;
static int *volatile where = &answer;
static _Thread_local int calls;
static int ready;
#ifndef BSS
#define BSS 64
#endif
static char copy[BSS];

__attribute__((constructor)) static void begin(void) { ready = 1; }

int fixture(int n)
{
    memcpy(copy, &n, (size_t)(n & 3)); /* GLIBC_2.14 on x86_64 */
    if (getrandom(copy, 0, 0) != 0)    /* GLIBC_2.25 */
        return -1;
    return dep(n) + *where + ready + ++calls;
}

/* By this name tools tell a Python extension. */
void *PyInit_fixture(void) { return 0; }
