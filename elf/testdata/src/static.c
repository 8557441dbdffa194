#include <stdio.h>

static int data = 4;
static int *const pointer = &data;
static __thread int local = 1;

int main(void)
{
	printf("a static program, %d\n", *pointer + local);
	return 0;
}
