int dep_value(void);
extern int *dep_pointer;
extern char __dso_handle;
static int numbers[] = {1, 2, 3, 4};
static int *volatile last = &numbers[3];
static void *volatile header = &__dso_handle;
static int three(void) { return *last - 1; }
static int (*volatile table[])(void) = {three, dep_value};
static volatile int started;
__attribute__((constructor)) static void start(void) { started += header == &__dso_handle; }
int mod_value(void) { return table[0]() + table[1]() + *dep_pointer - 3 * started; }
void *PyInit_mod(void) { return (void *)(long)mod_value(); }
