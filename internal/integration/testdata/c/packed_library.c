/* A library like packed.c: nothing of libc, and an address that the loader has to move. */
static int answer(void) { return 42; }
static int (*volatile pointer)(void) = answer;

int packed_answer(void) { return pointer(); }
