#include <stdio.h>

const char *run(void);

int main(void)
{
	puts(run());
	return 0;
}
