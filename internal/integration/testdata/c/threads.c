/* A library that starts a thread: pthread_create@GLIBC_2.34 where this is built. */
#include <pthread.h>

static void *run(void *n) { return n; }

int threads(void)
{
	int n = 42;
	void *out;
	pthread_t id;
	if (pthread_create(&id, NULL, run, &n) != 0 || pthread_join(id, &out) != 0)
		return -1;
	return *(int *)out;
}
