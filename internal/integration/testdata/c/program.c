/* A program that prints what a library says and its arguments, and exits with
 * their number. */
#include <stdio.h>

extern int answer(void);

int main(int argc, char **argv)
{
	printf("%d", answer());
	for (int i = 1; i < argc; i++)
		printf(" <%s>", argv[i]);
	putchar('\n');
	return argc - 1;
}
