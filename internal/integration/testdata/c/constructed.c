/* A program with constructors, which tell what they were called with. */

#include <stdio.h>
#include <stdlib.h>

__attribute__((constructor(101))) static void first(int argc, char **argv, char **envp)
{
	if (!argv[0] || !envp || argv[argc])
		abort();
	printf("first %d\n", argc);
}

__attribute__((constructor(102))) static void second(int argc, char **argv, char **envp)
{
	(void)argv, (void)envp;
	printf("second %d\n", argc);
}

__attribute__((destructor)) static void last(void) { puts("last"); }

int main(int argc, char **argv)
{
	(void)argv;
	printf("main %d\n", argc);
	return 0;
}
