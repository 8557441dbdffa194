/* What a C library of 2.34 and later has under new versions: threads and pow. */
#include <math.h>
#include <pthread.h>

static void *add(void *value) { return (char *)value + 1; }

int newer(void) {
	pthread_t thread;
	void *result = 0;
	volatile double base = 2.0, exponent = 5.0;
	if (pthread_create(&thread, 0, add, (void *)9) != 0)
		return -1;
	pthread_join(thread, &result);
	return (int)(long)result + (int)pow(base, exponent);
}
