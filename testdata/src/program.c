/* A program for `.data/scripts`. It ends with status 0 if libdep.so.1 is found. */
int dep(int);
int main(void) { return dep(1) - 2; }
