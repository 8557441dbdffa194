// An extension module for a host that is no Python: it exports what an
// interpreter looks for, and functions for the host to call.
#include "dep.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

extern "C" {

__attribute__((constructor)) static void begin() { extra_note("module"); }
__attribute__((destructor)) static void end() { puts("end of module"); }

void *PyInit_cross(void) { return nullptr; }

const char *cross_constructors(void) { return extra_notes(); }
int cross_picked(void) { return extra_picked(); }
int cross_table(void) { return extra_table(); }

static char large[2 << 20];

int cross_bss(void)
{
	for (unsigned i = 0; i < sizeof large; i += 64)
		if (large[i]++)
			return -1;
	return extra_bss() + extra_bss();
}

// Thrown in a library, caught here by its base class.
int cross_catch(int code)
{
	try {
		return dep_fail(code);
	} catch (const std::exception &e) {
		const Failure *failure = dynamic_cast<const Failure *>(&e);
		return failure && !strcmp(e.what(), "failure") ? failure->code : -1;
	}
}

static int thrower(int code) { throw Failure(code); }

// Thrown here, through a frame of a library that has something to clean up.
int cross_through(int code)
{
	try {
		return dep_call(thrower, code);
	} catch (const Failure &failure) {
		return failure.code + Guard::gone;
	}
}

// Thrown by the C++ library itself: this is more than half of what a pointer
// can tell apart, which no malloc gives.
int cross_new(void)
{
	try {
		void *volatile all = ::operator new(SIZE_MAX - 4096);
		return all != nullptr;
	} catch (const std::exception &e) {
		return !strcmp(e.what(), "std::bad_alloc") ? 7 : -1;
	}
}

static void *in_thread(void *results)
{
	int *r = static_cast<int *>(results);
	r[0] = extra_count();
	r[1] = extra_count();
	r[2] = dep_thread_value();
	return nullptr;
}

// A thread begins with the values that the file has, whatever this one did.
const char *cross_threads(void)
{
	static char text[100];
	int here[3], there[3];
	pthread_t thread;
	in_thread(here);
	if (pthread_create(&thread, nullptr, in_thread, there) || pthread_join(thread, nullptr))
		return "no thread";
	snprintf(text, sizeof text, "%d %d %d, %d %d %d, %d ended, %d", here[0], here[1], here[2],
	         there[0], there[1], there[2], dep_threads_ended(), extra_count());
	return text;
}

struct Walk {
	char text[400];
	const char *last;
};
static Walk walk;

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *)
{
	Dl_info info;
	void *ip = reinterpret_cast<void *>(_Unwind_GetIP(context));
	if (!ip || !dladdr(ip, &info) || !info.dli_fname)
		return _URC_NO_REASON;
	if (walk.last && !strcmp(walk.last, info.dli_fname))
		return _URC_NO_REASON;
	walk.last = info.dli_fname;
	strncat(walk.text, info.dli_fname, sizeof walk.text - strlen(walk.text) - 2);
	strcat(walk.text, "\n");
	return _URC_NO_REASON;
}

static int unwind(int)
{
	_Unwind_Backtrace(step, nullptr);
	return 0;
}

// The files whose frames are on the stack, from a callback outwards.
const char *cross_stack(void)
{
	dep_call(unwind, 0);
	return walk.text;
}

// Where each function says that it lies.
void *cross_function(int which)
{
	void *functions[] = {
		reinterpret_cast<void *>(&cross_function), reinterpret_cast<void *>(&dep_call),
		reinterpret_cast<void *>(&extra_notes),
	};
	return functions[which];
}
}
