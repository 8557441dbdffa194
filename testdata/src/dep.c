/* The library that fixture.c needs: libdep.so.1. */
int dep(int n) { return n + 1; }
