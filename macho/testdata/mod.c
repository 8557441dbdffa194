int dep_value(void);
extern int *dep_pointer;
static int (*indirect)(void) = dep_value;
int mod_value(void) { return indirect() + *dep_pointer; }
void *PyInit_mod(void) { return (void *)(long)mod_value(); }
