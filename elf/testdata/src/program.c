#include <stdio.h>

int run(int);

int main(void)
{
	printf("ran %d\n", run(1));
	return 0;
}
