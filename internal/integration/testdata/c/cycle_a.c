/* Half of two libraries that need each other: a_answer -> b_part -> a_part. */
extern int b_part(void);
int a_part(void) { return 2; }
int a_answer(void) { return 30 + b_part(); }
