/* An indirect function: the loader asks resolve() which code to call. */
static int fast(int n) { return n + 2; }
static int (*resolve(void))(int) { return fast; }
int chosen(int) __attribute__((ifunc("resolve")));
int fixture(int n) { return chosen(n); }
