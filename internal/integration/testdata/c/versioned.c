/* A library whose symbols have versions of its own; see library.map. */
int versioned(void) { return 1; }
int versioned_new(void) { return 42; }
