/* Stands in for the interpreter where there is none: loads an extension module,
   calls its functions, and compares what the loader says of itself and of every
   library in one folder with what the file says.

   usage: host MODULE FOLDER */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *folder, *program;
static volatile unsigned sum;
/* As in libextra. */
static char large[2 << 20];

static void *find(void *module, const char *name)
{
	void *found = dlsym(module, name);
	if (!found) {
		printf("no %s: %s\n", name, dlerror());
		exit(1);
	}
	return found;
}

static int number(void *module, const char *name) { return ((int (*)(void))find(module, name))(); }

static int given(void *module, const char *name, int n) { return ((int (*)(int))find(module, name))(n); }

static const char *text(void *module, const char *name) { return ((const char *(*)(void))find(module, name))(); }

static unsigned char *whole(const char *path, long *size)
{
	FILE *f = fopen(path, "rb");
	unsigned char *bytes = 0;
	if (f && !fseek(f, 0, SEEK_END) && (*size = ftell(f)) > 0) {
		rewind(f);
		bytes = malloc(*size);
		if (bytes && fread(bytes, 1, *size, f) != (size_t)*size)
			bytes = 0;
	}
	if (f)
		fclose(f);
	return bytes;
}

/* Segments that nobody may write to have the bytes of the file; the rest of a
   segment's memory can at least be read. */
static const char *segment(const struct dl_phdr_info *info, const ElfW(Phdr) *p, const unsigned char *file, long size)
{
	const unsigned char *memory = (const unsigned char *)(info->dlpi_addr + p->p_vaddr);
	if (p->p_offset > (ElfW(Off))size || p->p_filesz > size - p->p_offset)
		return "a segment is outside of the file";
	if (!(p->p_flags & PF_W) && memcmp(memory, file + p->p_offset, p->p_filesz))
		return "a segment is not what the file says";
	for (ElfW(Xword) i = 0; i < p->p_memsz; i += 512)
		sum += *(const volatile unsigned char *)(memory + i);
	return NULL;
}

static const char *object(const struct dl_phdr_info *info, const unsigned char *file, long size)
{
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)file;
	const ElfW(Phdr) *own = NULL;
	int covered = 0, told = 0;
	if (info->dlpi_phnum != header->e_phnum ||
	    memcmp(info->dlpi_phdr, file + header->e_phoff, header->e_phnum * sizeof(ElfW(Phdr))))
		return "the loader's program headers are not those of the file";
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		const char *wrong;
		if (p->p_type == PT_PHDR) {
			own = p;
			told = 1;
		}
		if (p->p_type != PT_LOAD)
			continue;
		if ((wrong = segment(info, p, file, size)))
			return wrong;
		covered |= header->e_phoff >= p->p_offset &&
		           header->e_phoff + header->e_phnum * sizeof *p <= p->p_offset + p->p_filesz &&
		           (const unsigned char *)info->dlpi_phdr ==
		               (const unsigned char *)(info->dlpi_addr + p->p_vaddr + (header->e_phoff - p->p_offset));
	}
	if (!covered)
		return "the program headers are in no segment";
	if (told && (const ElfW(Phdr) *)(info->dlpi_addr + own->p_vaddr) != info->dlpi_phdr)
		return "PT_PHDR points elsewhere";
	return NULL;
}

static int each(struct dl_phdr_info *info, size_t size, void *data)
{
	/* The program comes first; its name is empty in glibc, the vDSO's in musl. */
	static int count;
	const char *name = count++ ? info->dlpi_name : program;
	long length = 0;
	const char *wrong;
	unsigned char *file;
	(void)size;
	if (!name || !*name)
		return 0;
	printf("object %s\n", name);
	if (strcmp(name, program) && strncmp(name, folder, strlen(folder)))
		return 0;
	file = whole(name, &length);
	wrong = file ? object(info, file, length) : "cannot be read";
	if (wrong)
		printf("wrong %s: %s\n", name, wrong);
	else
		++*(int *)data;
	free(file);
	return 0;
}

/* dladdr finds the file, the base and the symbol of a function. */
static void address(void *module, int which)
{
	Dl_info info;
	void *function = ((void *(*)(int))find(module, "cross_function"))(which);
	if (!dladdr(function, &info) || !info.dli_fname)
		printf("wrong dladdr of function %d\n", which);
	else
		printf("dladdr %s %s\n", info.dli_sname ? info.dli_sname : "?", info.dli_fname);
}

int main(int argc, char **argv)
{
	int good = 0;
	if (argc != 3)
		return 2;
	program = argv[0];
	folder = argv[2];
	for (unsigned i = 0; i < sizeof large; i += 64)
		if (large[i]++)
			return 3;
	setvbuf(stdout, NULL, _IOLBF, 0);
	void *module = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	if (!module) {
		printf("dlopen: %s\n", dlerror());
		return 1;
	}
	((void *(*)(void))find(module, "PyInit_cross"))();
	printf("constructors %s\n", text(module, "cross_constructors"));
	printf("picked %d %d\n", number(module, "cross_picked"), number(module, "cross_table"));
	printf("bss %d\n", number(module, "cross_bss"));
	printf("caught %d %d %d\n", given(module, "cross_catch", 41), given(module, "cross_through", 50), number(module, "cross_new"));
	printf("threads %s\n", text(module, "cross_threads"));
	printf("stack\n%s", text(module, "cross_stack"));
	for (int i = 0; i < 3; i++)
		address(module, i);
	dl_iterate_phdr(each, &good);
	printf("true %d\n", good);
	return 0;
}
