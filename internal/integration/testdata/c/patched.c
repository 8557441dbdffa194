/* A library, or with -DPROGRAM a program, that says what works at run time:
   constructors in order, a thread-local variable, .bss that is zero, a function
   with a wanted version from libdep, dl_iterate_phdr. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

#ifndef BSS
#define BSS 5000
#endif

extern int dep(void);

static __thread int counter = 7;
static char zeros[BSS];
static char order[4];
static int constructed;

__attribute__((constructor(101))) static void first(void) { order[constructed++] = 'a'; }
__attribute__((constructor(102))) static void second(void) { order[constructed++] = 'b'; }
__attribute__((constructor)) static void third(void) { order[constructed++] = 'c'; }

static int zero(void) { return -7; }
static int (*pick(void))(void) { return zero; }
int indirect(void) __attribute__((ifunc("pick")));

static int mine(struct dl_phdr_info *info, size_t size, void *found)
{
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		unsigned long at = (unsigned long)zeros - info->dlpi_addr;
		if (p->p_type == PT_LOAD && at >= p->p_vaddr && at < p->p_vaddr + p->p_memsz)
			*(int *)found += 1;
	}
	return 0;
}

int answer(void)
{
	int found = 0;
	Dl_info info;
	for (unsigned i = 0; i < sizeof zeros; i++)
		if (zeros[i])
			return -1;
	dl_iterate_phdr(mine, &found);
	if (strcmp(order, "abc") || found != 1 || !dladdr((void *)answer, &info))
		return -2;
	return dep() + counter++ + indirect();
}

#ifdef PROGRAM
int main(void)
{
	printf("%d\n", answer());
	return 0;
}
#endif
