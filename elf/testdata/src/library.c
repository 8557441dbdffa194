#include <stdlib.h>
#include <string.h>

int dep(void);

static char big[BSS];
int data = 5;
static int *pointer = &data;
__thread int local = 3;

__attribute__((constructor)) static void construct(void) { data += 10; }

int run(int x)
{
	memset(big, x, 4096);
	big[sizeof big - 1] = (char)x;
	free(malloc(10));
	local++;
	(*pointer)++;
	return dep() + data + local + big[sizeof big - 1] + big[sizeof big / 2];
}
