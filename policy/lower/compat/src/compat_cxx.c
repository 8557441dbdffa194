/* Functions that stand in for those of newer libstdc++, under their mangled names: the
 * libraries of gcc 8 (GLIBCXX_3.4.25) and later have all that these are made of. In C, since
 * nothing of a C++ library is to come in. The layout of exceptions is that of the Itanium
 * C++ ABI. */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EXPORT(name) __attribute__((visibility("default"))) __wheelmend_##name
#define LIBRARY(name) __asm__(name) __attribute__((visibility("default")))

extern void *allocate_exception(size_t) LIBRARY("__cxa_allocate_exception");
extern void throw_exception(void *, const void *, void (*)(void *)) LIBRARY("__cxa_throw") __attribute__((noreturn));
extern void *begin_catch(void *) LIBRARY("__cxa_begin_catch");
extern void terminate(void) LIBRARY("_ZSt9terminatev") __attribute__((noreturn));

/* std::__throw_bad_array_new_length(), GLIBCXX_3.4.29 */
extern const void *const bad_array_vtable[] LIBRARY("_ZTVSt20bad_array_new_length");
extern const char bad_array_type[] LIBRARY("_ZTISt20bad_array_new_length");
extern void bad_array_destroy(void *) LIBRARY("_ZNSt20bad_array_new_lengthD1Ev");

void EXPORT(_ZSt28__throw_bad_array_new_lengthv)(void)
{
	const void *const **object = allocate_exception(sizeof *object);

	*object = bad_array_vtable + 2; /* behind the offset to the top and the type */
	throw_exception(object, bad_array_type, bad_array_destroy);
}

/* __cxa_call_terminate, CXXABI_1.3.15: an exception wants to leave a noexcept function. */
void EXPORT(__cxa_call_terminate)(void *exception)
{
	if (exception)
		begin_catch(exception);
	terminate();
}

/* std::__exception_ptr::exception_ptr::_M_addref() and _M_release(), CXXABI_1.3.13: to copy
 * a pointer counts one more, to destroy it one less. */
extern void copy_exception_ptr(void *, const void *) LIBRARY("_ZNSt15__exception_ptr13exception_ptrC1ERKS0_");
extern void destroy_exception_ptr(void *) LIBRARY("_ZNSt15__exception_ptr13exception_ptrD1Ev");

void EXPORT(_ZNSt15__exception_ptr13exception_ptr9_M_addrefEv)(void **pointer)
{
	void *counted;

	copy_exception_ptr(&counted, pointer);
}

void EXPORT(_ZNSt15__exception_ptr13exception_ptr10_M_releaseEv)(void **pointer)
{
	destroy_exception_ptr(pointer);
}

/* std::condition_variable::wait(std::unique_lock<std::mutex>&), GLIBCXX_3.4.30 */
extern void wait_condition(void *, void *) LIBRARY("_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE");

void EXPORT(_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE)(void *condition, void *lock) { wait_condition(condition, lock); }

/* std::ios_base_library_init(), GLIBCXX_3.4.32: before, each file with <iostream> had an
 * object that made the streams and, at the end, flushed them. <iostream> refers to the
 * function but never calls it: libraries that have it make the streams as they are loaded.
 * So does this one, which is loaded before the file that needs it. Libraries count, so that
 * it may be done twice. */
extern void make_streams(void *) LIBRARY("_ZNSt8ios_base4InitC1Ev");
extern void flush_streams(void *) LIBRARY("_ZNSt8ios_base4InitD1Ev");
extern int at_exit(void (*)(void *), void *, void *) __asm__("__cxa_atexit");

__attribute__((constructor)) static void initialize_streams(void)
{
	static char init;

	make_streams(&init);
	at_exit(flush_streams, &init, NULL); /* when the process ends, whoever is unloaded */
}

void EXPORT(_ZSt21ios_base_library_initv)(void) {}

/* std::__glibcxx_assert_fail, GLIBCXX_3.4.30 */
void EXPORT(_ZSt21__glibcxx_assert_failPKciS0_S0_)(const char *file, int line, const char *function, const char *condition)
{
	if (file && function && condition)
		fprintf(stderr, "%s:%d: %s: Assertion '%s' failed.\n", file, line, function, condition);
	abort();
}

/* The constructors of string streams without an argument, GLIBCXX_3.4.26: the one with a
 * mode, and the mode that it has by default. */
enum { IN = 8, OUT = 16 }; /* std::ios_base::in, out */

extern void make_ostringstream(void *, int) LIBRARY("_ZNSt7__cxx1119basic_ostringstreamIcSt11char_traitsIcESaIcEEC1ESt13_Ios_Openmode");
extern void make_istringstream(void *, int) LIBRARY("_ZNSt7__cxx1119basic_istringstreamIcSt11char_traitsIcESaIcEEC1ESt13_Ios_Openmode");
extern void make_stringstream(void *, int) LIBRARY("_ZNSt7__cxx1118basic_stringstreamIcSt11char_traitsIcESaIcEEC1ESt13_Ios_Openmode");

void EXPORT(_ZNSt7__cxx1119basic_ostringstreamIcSt11char_traitsIcESaIcEEC1Ev)(void *stream) { make_ostringstream(stream, OUT); }
void EXPORT(_ZNSt7__cxx1119basic_istringstreamIcSt11char_traitsIcESaIcEEC1Ev)(void *stream) { make_istringstream(stream, IN); }
void EXPORT(_ZNSt7__cxx1118basic_stringstreamIcSt11char_traitsIcESaIcEEC1Ev)(void *stream) { make_stringstream(stream, IN | OUT); }

/* The move constructors of std::runtime_error and std::logic_error, GLIBCXX_3.4.26: a copy. */
extern void copy_runtime_error(void *, const void *) LIBRARY("_ZNSt13runtime_errorC1ERKS_");
extern void copy_logic_error(void *, const void *) LIBRARY("_ZNSt11logic_errorC1ERKS_");

void EXPORT(_ZNSt13runtime_errorC1EOS_)(void *to, const void *from) { copy_runtime_error(to, from); }
void EXPORT(_ZNSt13runtime_errorC2EOS_)(void *to, const void *from) { copy_runtime_error(to, from); }
void EXPORT(_ZNSt11logic_errorC1EOS_)(void *to, const void *from) { copy_logic_error(to, from); }
void EXPORT(_ZNSt11logic_errorC2EOS_)(void *to, const void *from) { copy_logic_error(to, from); }

#if defined(__LP64__) /* elsewhere size_t has another letter */
/* std::string::reserve(), GLIBCXX_3.4.29: a wish for less room, which reserve(0) was. */
extern void reserve(void *, size_t) LIBRARY("_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE7reserveEm");

void EXPORT(_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE7reserveEv)(void *string) { reserve(string, 0); }

/* std::__atomic_futex_unsigned_base::_M_futex_wait_until_steady, GLIBCXX_3.4.29: the wait by
 * the time of day, until as much later. */
extern _Bool wait_until(void *, unsigned int *, unsigned int, _Bool, long, long)
	LIBRARY("_ZNSt28__atomic_futex_unsigned_base19_M_futex_wait_untilEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE");

_Bool EXPORT(_ZNSt28__atomic_futex_unsigned_base26_M_futex_wait_until_steadyEPjjbNSt6chrono8durationIlSt5ratioILl1ELl1EEEENS2_IlS3_ILl1ELl1000000000EEEE)
(void *base, unsigned int *word, unsigned int value, _Bool limited, long seconds, long nanoseconds)
{
	struct timespec now, real;

	if (limited) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		clock_gettime(CLOCK_REALTIME, &real);
		seconds += real.tv_sec - now.tv_sec;
		nanoseconds += real.tv_nsec - now.tv_nsec;
		if (nanoseconds < 0) {
			nanoseconds += 1000000000;
			seconds--;
		} else if (nanoseconds >= 1000000000) {
			nanoseconds -= 1000000000;
			seconds++;
		}
	}
	return wait_until(base, word, value, limited, seconds, nanoseconds);
}
#endif
