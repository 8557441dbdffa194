/* A library in C with what a loader has to get right: constructors in order,
   a thread-local variable, an indirect function, pointers that it relocates. */
#include <stdio.h>
#include <string.h>

static char notes[200];

void extra_note(const char *who)
{
	strncat(notes, who, sizeof notes - strlen(notes) - 1);
	strncat(notes, " ", sizeof notes - strlen(notes) - 1);
}

const char *extra_notes(void) { return notes; }

__attribute__((constructor(102))) static void second(void) { extra_note("extra-2"); }
__attribute__((constructor(101))) static void first(void) { extra_note("extra-1"); }
__attribute__((constructor)) static void third(void) { extra_note("extra-3"); }
__attribute__((destructor)) static void end(void) { puts("end of extra"); }

/* A value that is in the file, at an alignment above that of any page header,
   and one that is not. */
static __thread int counted __attribute__((aligned(64))) = 40;
static __thread int zero;

int extra_count(void) { return ++counted + zero++; }

static int slow(void) { return 1; }
static int fast(void) { return 2; }

#ifdef HAVE_IFUNC
/* Volatile, so that no compiler picks in advance. */
static volatile int can_be_fast = 1;

__attribute__((used)) static int (*pick(void))(void) { return can_be_fast ? fast : slow; }

int extra_picked(void) __attribute__((ifunc("pick")));
static int hidden(void) __attribute__((ifunc("pick")));
#else
int extra_picked(void) { return fast() + 0 * slow(); }
static int hidden(void) { return fast(); }
#endif

/* Relocated before anything runs; RELRO then makes the table read-only. */
static int (*const table[])(void) = { extra_picked, hidden, slow };

int extra_table(void) { return table[0]() * 100 + table[1]() * 10 + table[2](); }

/* A .bss that is too large to be written out when the file grows. */
static unsigned char big[3 << 20];

int extra_bss(void)
{
	int sum = 0;
	for (unsigned i = 0; i < sizeof big; i += 64)
		sum += big[i]++;
	return sum;
}
