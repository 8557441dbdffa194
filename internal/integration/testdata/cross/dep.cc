// A library in C++ that the extension needs, and that needs libextra.
#include "dep.h"
#include <stdio.h>

Failure::~Failure() noexcept {}
const char *Failure::what() const noexcept { return "failure"; }

int Guard::gone;
Guard::~Guard() { gone++; }

int dep_fail(int code) { throw Failure(code); }

int dep_call(int (*callback)(int), int argument)
{
	Guard guard;
	return callback(argument) + 1;
}

// Made for each thread when it first asks, and taken down when the thread ends.
static int ended;

struct PerThread {
	int value;
	PerThread() : value(extra_picked() + 5) {}
	~PerThread() { ended++; }
};
static thread_local PerThread per_thread;

int dep_thread_value() { return per_thread.value++; }
int dep_threads_ended() { return ended; }

struct Started {
	Started() { extra_note("dep"); }
	~Started() { puts("end of dep"); }
};
static Started started;
