/* Uses what a loader has to get right, and says what it saw in one line that
 * does not depend on where anything lies. BSS is the size of .bss. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int dep(void);
extern int dep_data;
extern __thread int dep_local;

#if BSS
static char zeros[BSS];
#endif
static char last[7] __attribute__((section(".zodd"), aligned(1))) = "odd";
int data = 5;
static __thread int local = 3;
static __thread char local_zeros[100];
char seen[8] = "";

/* Relative relocations, read-only once they are made. */
static int *const pointers[70] = {[0] = &data, [33] = &data, [69] = &data};

typedef float vector __attribute__((vector_size(16)));
static volatile vector halves = {0.5, 1.5, 2.5, 3.5};

__attribute__((constructor(101))) static void first(void) { strcat(seen, "a"); }
__attribute__((constructor(102))) static void second(void) { strcat(seen, "b"); }
__attribute__((constructor)) static void third(void) { strcat(seen, "c"); }

static int seven(void) { return 7; }
static int (*choose(void))(void) { return seven; }
static int chosen(void) __attribute__((ifunc("choose")));

/* What dl_iterate_phdr says about the object that `data` lies in. */
struct self {
	int found, dynamic, relro, unwind;
};

static int holds(const struct dl_phdr_info *info, const ElfW(Phdr) *p, const void *at)
{
	uintptr_t from = info->dlpi_addr + p->p_vaddr, addr = (uintptr_t)at;
	return addr >= from && addr - from < p->p_memsz;
}

static int visit(struct dl_phdr_info *info, size_t size, void *out)
{
	struct self *self = out;
	int here = 0, code = 0;
	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		here |= p->p_type == PT_LOAD && holds(info, p, last);
		code |= p->p_type == PT_LOAD && holds(info, p, (void *)visit);
	}
	if (!here || !code)
		return 0;
	self->found++;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const ElfW(Dyn) *d = (void *)(info->dlpi_addr + p->p_vaddr);
		if (p->p_type == PT_DYNAMIC)
			for (; d->d_tag != DT_NULL; d++)
				self->dynamic += d->d_tag == DT_SYMTAB;
		self->relro += p->p_type == PT_GNU_RELRO && holds(info, p, pointers);
		if (p->p_type == PT_GNU_EH_FRAME)
			self->unwind += *(unsigned char *)(info->dlpi_addr + p->p_vaddr);
	}
	return 0;
}

/* The permissions of the memory at an address. */
static void permissions(const void *at, char *out)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], perms[8];
	unsigned long from, to;
	while (maps && fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) == 3 && from <= (uintptr_t)at && (uintptr_t)at < to)
			strcpy(out, perms);
	if (maps)
		fclose(maps);
}

static int bss(void)
{
#if BSS
	int sum = zeros[0] + zeros[BSS / 2] + zeros[BSS - 1];
	memset(zeros, 1, BSS < 4096 ? BSS : 4096);
	zeros[BSS - 1] = 2;
	return sum + zeros[0] + zeros[BSS - 1];
#else
	return 3;
#endif
}

/* What makes auditwheel take the library for an extension of Python. */
void *PyInit_ext(void) { return 0; }

const char *run(void)
{
	static char text[400];
	char relro[8] = "none";
	void *frames[16];
	Dl_info info = {0};
	struct self self = {0};
	vector v = halves + halves;
	permissions(pointers, relro);
	dl_iterate_phdr(visit, &self);
	dladdr((void *)run, &info);
	local++;
	dep_local++;
	snprintf(text, sizeof text,
		"dep=%d,%d,%d math=%.3f data=%d,%d local=%d,%d bss=%d ifunc=%d order=%s vector=%g odd=%s relro=%s,%d phdr=%d,%d,%d name=%s unwound=%d",
		dep(), dep_data, dep_local, cos(data), *pointers[33], *pointers[69], local, local_zeros[50], bss(), chosen(), seen, v[3],
		last, relro, self.relro, self.found, self.dynamic, self.unwind, info.dli_sname ? info.dli_sname : "", backtrace(frames, 16) > 3);
	return text;
}
