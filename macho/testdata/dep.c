#include <stddef.h>
static int counter = 40;
int *dep_pointer = &counter;
__attribute__((constructor)) static void start(void) { counter++; }
int dep_value(void) { return counter + 1; }
