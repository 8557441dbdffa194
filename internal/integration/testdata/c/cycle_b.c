/* The other half; see cycle_a.c. */
extern int a_part(void);
int b_part(void) { return 10 + a_part(); }
