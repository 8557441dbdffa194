/* The library that the fixture needs: a function, data and a thread-local
 * variable, all of version DEP_1. */
int dep_data = 42;
__thread int dep_local = 5;

int dep(void) { return 1000; }
