/* Functions that stand in for those of newer C libraries: __wheelmend_X does what X does.
 * Where the system has X itself, that is called. Linked for glibc 2.17 or the oldest that
 * an architecture has, so that it loads on all of them.
 *
 * Types of the C library are left out where only their address passes through: their
 * layout is the caller's. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define EXPORT(name) __attribute__((visibility("default"))) __wheelmend_##name

/* Declares the system's own function as system_NAME, null on systems without it. */
#define SYSTEM(type, name, arguments) \
	extern type system_##name arguments __asm__(#name) __attribute__((weak, visibility("default")))

/* Numbers of system calls are the same everywhere from 424 on. */
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_process_madvise
#define SYS_process_madvise 440
#endif
#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

/* 2.33: stat and its kin were in every program, over functions that took the version of
 * the structure (glibc 2.32, io/stat.c). Every glibc still has those. */

#if defined(__x86_64__) || defined(__s390x__)
#define STAT_VERSION 1
#elif defined(__i386__) || defined(__arm__)
#define STAT_VERSION 3
#elif defined(__powerpc64__)
#define STAT_VERSION 1
#elif defined(__aarch64__)
#define STAT_VERSION 0
#elif defined(__riscv)
#define STAT_VERSION 0
#else
#error "the version of struct stat is not known"
#endif

extern int __xstat(int, const char *, void *);
extern int __lxstat(int, const char *, void *);
extern int __fxstat(int, int, void *);
extern int __fxstatat(int, int, const char *, void *, int);
extern int __xstat64(int, const char *, void *);
extern int __lxstat64(int, const char *, void *);
extern int __fxstat64(int, int, void *);
extern int __fxstatat64(int, int, const char *, void *, int);

int EXPORT(stat)(const char *path, void *buf) { return __xstat(STAT_VERSION, path, buf); }
int EXPORT(lstat)(const char *path, void *buf) { return __lxstat(STAT_VERSION, path, buf); }
int EXPORT(fstat)(int fd, void *buf) { return __fxstat(STAT_VERSION, fd, buf); }
int EXPORT(fstatat)(int fd, const char *path, void *buf, int flags) { return __fxstatat(STAT_VERSION, fd, path, buf, flags); }
int EXPORT(stat64)(const char *path, void *buf) { return __xstat64(STAT_VERSION, path, buf); }
int EXPORT(lstat64)(const char *path, void *buf) { return __lxstat64(STAT_VERSION, path, buf); }
int EXPORT(fstat64)(int fd, void *buf) { return __fxstat64(STAT_VERSION, fd, buf); }
int EXPORT(fstatat64)(int fd, const char *path, void *buf, int flags) { return __fxstatat64(STAT_VERSION, fd, path, buf, flags); }

/* The kernel takes 32 bits of a device; glibc refuses more (sysdeps/unix/sysv/linux/mknodat.c). */
int EXPORT(mknodat)(int fd, const char *path, mode_t mode, dev_t dev)
{
	unsigned int device = dev;

	if (device != dev) {
		errno = EINVAL;
		return -1;
	}
	return syscall(SYS_mknodat, fd, path, mode, device);
}

int EXPORT(mknod)(const char *path, mode_t mode, dev_t dev) { return __wheelmend_mknodat(AT_FDCWD, path, mode, dev); }

/* 2.25: random bytes of the kernel. One before 3.17 has none, which the caller is told. */

SYSTEM(ssize_t, getrandom, (void *, size_t, unsigned int));

ssize_t EXPORT(getrandom)(void *buf, size_t size, unsigned int flags)
{
	if (system_getrandom)
		return system_getrandom(buf, size, flags);
	return syscall(SYS_getrandom, buf, size, flags);
}

int EXPORT(getentropy)(void *buf, size_t size)
{
	unsigned char *at = buf, *end = at + size;

	if (size > 256) {
		errno = EIO;
		return -1;
	}
	while (at < end) {
		ssize_t n = syscall(SYS_getrandom, at, end - at, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (n == 0)
				errno = EIO;
			return -1;
		}
		at += n;
	}
	return 0;
}

void EXPORT(explicit_bzero)(void *buf, size_t size)
{
	memset(buf, 0, size);
	__asm__ __volatile__("" : : "r"(buf) : "memory");
}

extern void __chk_fail(void) __attribute__((noreturn));

void EXPORT(__explicit_bzero_chk)(void *buf, size_t size, size_t room)
{
	if (room < size)
		__chk_fail();
	__wheelmend_explicit_bzero(buf, size);
}

/* 2.36: these cannot fail. A kernel without the system call has the device. */

SYSTEM(void, arc4random_buf, (void *, size_t));

static void fill_from_device(unsigned char *at, size_t size)
{
	struct pollfd ready = {.events = POLLIN};
	int fd = open("/dev/random", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	ready.fd = fd;
	if (fd < 0)
		abort();
	while (poll(&ready, 1, -1) < 0)
		if (errno != EINTR && errno != EAGAIN)
			abort();
	close(fd);
	fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		abort();
	while (size > 0) {
		ssize_t n = read(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			abort();
		at += n;
		size -= n;
	}
	close(fd);
}

void EXPORT(arc4random_buf)(void *buf, size_t size)
{
	unsigned char *at = buf;
	int before = errno;

	if (system_arc4random_buf) {
		system_arc4random_buf(buf, size);
		return;
	}
	while (size > 0) {
		ssize_t n = syscall(SYS_getrandom, at, size, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fill_from_device(at, size);
			break;
		}
		at += n;
		size -= n;
	}
	errno = before;
}

uint32_t EXPORT(arc4random)(void)
{
	uint32_t n;

	__wheelmend_arc4random_buf(&n, sizeof n);
	return n;
}

/* Numbers above the last multiple of the bound are drawn again, so that all are alike. */
uint32_t EXPORT(arc4random_uniform)(uint32_t bound)
{
	uint32_t n, least;

	if (bound < 2)
		return 0;
	least = -bound % bound;
	do
		n = __wheelmend_arc4random();
	while (n < least);
	return n % bound;
}

/* 2.26 */

void *EXPORT(reallocarray)(void *old, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, bytes);
}

/* 2.38: strlcpy and strlcat of POSIX 2024. */

size_t EXPORT(strlcpy)(char *to, const char *from, size_t room)
{
	size_t size = strlen(from);

	if (size < room)
		memcpy(to, from, size + 1);
	else if (room > 0) {
		memcpy(to, from, room - 1);
		to[room - 1] = 0;
	}
	return size;
}

size_t EXPORT(strlcat)(char *to, const char *from, size_t room)
{
	size_t used = strnlen(to, room);

	if (used == room)
		return used + strlen(from);
	return used + __wheelmend_strlcpy(to + used, from, room - used);
}

size_t EXPORT(wcslcpy)(wchar_t *to, const wchar_t *from, size_t room)
{
	size_t size = wcslen(from);

	if (size < room)
		wmemcpy(to, from, size + 1);
	else if (room > 0) {
		wmemcpy(to, from, room - 1);
		to[room - 1] = 0;
	}
	return size;
}

size_t EXPORT(wcslcat)(wchar_t *to, const wchar_t *from, size_t room)
{
	size_t used = wcsnlen(to, room);

	if (used == room)
		return used + wcslen(from);
	return used + __wheelmend_wcslcpy(to + used, from, room - used);
}

/* The last argument of each is how much room the compiler saw. */

size_t EXPORT(__strlcpy_chk)(char *to, const char *from, size_t room, size_t seen)
{
	if (seen < room)
		__chk_fail();
	return __wheelmend_strlcpy(to, from, room);
}

size_t EXPORT(__strlcat_chk)(char *to, const char *from, size_t room, size_t seen)
{
	if (seen < room)
		__chk_fail();
	return __wheelmend_strlcat(to, from, room);
}

size_t EXPORT(__wcslcpy_chk)(wchar_t *to, const wchar_t *from, size_t room, size_t seen)
{
	if (seen < room)
		__chk_fail();
	return __wheelmend_wcslcpy(to, from, room);
}

size_t EXPORT(__wcslcat_chk)(wchar_t *to, const wchar_t *from, size_t room, size_t seen)
{
	if (seen < room)
		__chk_fail();
	return __wheelmend_wcslcat(to, from, room);
}

/* 2.35: the compiler calls it where only zero or not matters. */
int EXPORT(__memcmpeq)(const void *a, const void *b, size_t size) { return memcmp(a, b, size); }

/* Bare system calls: an older kernel answers ENOSYS, as it does to the newer C library. */

pid_t EXPORT(gettid)(void) { return syscall(SYS_gettid); }
int EXPORT(tgkill)(pid_t group, pid_t thread, int sig) { return syscall(SYS_tgkill, group, thread, sig); }
int EXPORT(getcpu)(unsigned int *cpu, unsigned int *node) { return syscall(SYS_getcpu, cpu, node, NULL); }
int EXPORT(memfd_create)(const char *name, unsigned int flags) { return syscall(SYS_memfd_create, name, flags); }
int EXPORT(mlock2)(const void *at, size_t size, unsigned int flags) { return syscall(SYS_mlock2, at, size, flags); }
int EXPORT(pkey_alloc)(unsigned int flags, unsigned int rights) { return syscall(SYS_pkey_alloc, flags, rights); }
int EXPORT(pkey_free)(int key) { return syscall(SYS_pkey_free, key); }
ssize_t EXPORT(getdents64)(int fd, void *buf, size_t size) { return syscall(SYS_getdents64, fd, buf, size); }
int EXPORT(execveat)(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	return syscall(SYS_execveat, fd, path, argv, envp, flags);
}
int EXPORT(close_range)(unsigned int first, unsigned int last, int flags) { return syscall(SYS_close_range, first, last, flags); }
int EXPORT(pidfd_open)(pid_t pid, unsigned int flags) { return syscall(SYS_pidfd_open, pid, flags); }
int EXPORT(pidfd_getfd)(int pidfd, int fd, unsigned int flags) { return syscall(SYS_pidfd_getfd, pidfd, fd, flags); }
int EXPORT(pidfd_send_signal)(int pidfd, int sig, void *info, unsigned int flags)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, info, flags);
}
ssize_t EXPORT(process_madvise)(int pidfd, const void *parts, size_t count, int advice, unsigned int flags)
{
	return syscall(SYS_process_madvise, pidfd, parts, count, advice, flags);
}
int EXPORT(process_mrelease)(int pidfd, unsigned int flags) { return syscall(SYS_process_mrelease, pidfd, flags); }

/* Those that are cancellation points: the system's own one is, the bare call is none. */

SYSTEM(ssize_t, copy_file_range, (int, void *, int, void *, size_t, unsigned int));

ssize_t EXPORT(copy_file_range)(int in, void *in_at, int out, void *out_at, size_t size, unsigned int flags)
{
	if (system_copy_file_range)
		return system_copy_file_range(in, in_at, out, out_at, size, flags);
	return syscall(SYS_copy_file_range, in, in_at, out, out_at, size, flags);
}

int EXPORT(renameat2)(int from, const char *old, int to, const char *name, unsigned int flags)
{
	if (flags == 0)
		return renameat(from, old, to, name);
	if (syscall(SYS_renameat2, from, old, to, name, flags) == 0)
		return 0;
	if (errno == ENOSYS)
		errno = EINVAL;
	return -1;
}

#if defined(__LP64__)
SYSTEM(ssize_t, preadv2, (int, const struct iovec *, int, off_t, int));
SYSTEM(ssize_t, pwritev2, (int, const struct iovec *, int, off_t, int));

/* Without flags these are preadv and pwritev; -1 is the file's own position. */
ssize_t EXPORT(preadv2)(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	ssize_t n;

	if (system_preadv2)
		return system_preadv2(fd, parts, count, at, flags);
	n = syscall(SYS_preadv2, fd, parts, count, at, 0L, flags);
	if (n >= 0 || errno != ENOSYS)
		return n;
	if (flags != 0) {
		errno = ENOTSUP;
		return -1;
	}
	return at == -1 ? readv(fd, parts, count) : preadv(fd, parts, count, at);
}

ssize_t EXPORT(pwritev2)(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	ssize_t n;

	if (system_pwritev2)
		return system_pwritev2(fd, parts, count, at, flags);
	n = syscall(SYS_pwritev2, fd, parts, count, at, 0L, flags);
	if (n >= 0 || errno != ENOSYS)
		return n;
	if (flags != 0) {
		errno = ENOTSUP;
		return -1;
	}
	return at == -1 ? writev(fd, parts, count) : pwritev(fd, parts, count, at);
}

ssize_t EXPORT(preadv64v2)(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	return __wheelmend_preadv2(fd, parts, count, at, flags);
}

ssize_t EXPORT(pwritev64v2)(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	return __wheelmend_pwritev2(fd, parts, count, at, flags);
}

int EXPORT(epoll_pwait2)(int fd, void *events, int most, const struct timespec *timeout, const sigset_t *mask)
{
	return syscall(SYS_epoll_pwait2, fd, events, most, timeout, mask, _NSIG / 8);
}
#endif

/* 2.34 */

SYSTEM(void, closefrom, (int));

void EXPORT(closefrom)(int first)
{
	DIR *dir;
	struct dirent *entry;

	if (system_closefrom) {
		system_closefrom(first);
		return;
	}
	if (first < 0)
		first = 0;
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	/* Reading goes on behind what was closed: the entries are numbers that only vanish. */
	dir = opendir("/proc/self/fd");
	if (!dir)
		abort();
	while ((entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd >= first && fd != dirfd(dir))
			close(fd);
	}
	closedir(dir);
}

int EXPORT(timespec_getres)(struct timespec *resolution, int base)
{
	if (base == TIME_UTC) {
		clock_getres(CLOCK_REALTIME, resolution);
		return base;
	}
	return 0;
}

/* 2.28: statx. For kernels before 4.11 newer C libraries make it of stat
 * (sysdeps/unix/sysv/linux/statx_generic.c); here the caller gets ENOSYS. */
int EXPORT(statx)(int fd, const char *path, int flags, unsigned int mask, void *buf)
{
	return syscall(SYS_statx, fd, path, flags, mask, buf);
}

/* 2.32: whether the process has one thread. 0 says "maybe not", which is always true; the
 * caller then locks. */
__attribute__((visibility("default"))) char __wheelmend___libc_single_threaded = 0;

/* 2.30: waits by a clock. Without the system's own one the rest of the time is turned into
 * one of CLOCK_REALTIME, which older functions go by. */

SYSTEM(int, pthread_cond_clockwait, (pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *));
SYSTEM(int, pthread_mutex_clocklock, (pthread_mutex_t *, clockid_t, const struct timespec *));
SYSTEM(int, pthread_rwlock_clockrdlock, (pthread_rwlock_t *, clockid_t, const struct timespec *));
SYSTEM(int, pthread_rwlock_clockwrlock, (pthread_rwlock_t *, clockid_t, const struct timespec *));
SYSTEM(int, sem_clockwait, (sem_t *, clockid_t, const struct timespec *));

/* Returns 0, or the error of a clock or time that is none. */
static int to_realtime(clockid_t clock, const struct timespec *at, struct timespec *out)
{
	struct timespec now, real;

	if (at->tv_nsec < 0 || at->tv_nsec >= 1000000000)
		return EINVAL;
	if (clock == CLOCK_REALTIME) {
		*out = *at;
		return 0;
	}
	if (clock != CLOCK_MONOTONIC)
		return EINVAL;
	clock_gettime(clock, &now);
	clock_gettime(CLOCK_REALTIME, &real);
	out->tv_sec = real.tv_sec + (at->tv_sec - now.tv_sec);
	out->tv_nsec = real.tv_nsec + (at->tv_nsec - now.tv_nsec);
	if (out->tv_nsec < 0) {
		out->tv_nsec += 1000000000;
		out->tv_sec--;
	} else if (out->tv_nsec >= 1000000000) {
		out->tv_nsec -= 1000000000;
		out->tv_sec++;
	}
	if (out->tv_sec < 0)
		out->tv_sec = out->tv_nsec = 0;
	return 0;
}

#define CLOCK_FUNCTION(name, declared, passed, older)                                    \
	int EXPORT(name) declared                                                            \
	{                                                                                    \
		struct timespec real;                                                            \
		int error;                                                                       \
                                                                                         \
		if (system_##name)                                                               \
			return system_##name passed;                                                          \
		error = to_realtime(clock, at, &real);                                           \
		return error ? error : older;                                                    \
	}

CLOCK_FUNCTION(pthread_cond_clockwait, (pthread_cond_t *c, pthread_mutex_t *m, clockid_t clock, const struct timespec *at),
	       (c, m, clock, at), pthread_cond_timedwait(c, m, &real))
CLOCK_FUNCTION(pthread_mutex_clocklock, (pthread_mutex_t *m, clockid_t clock, const struct timespec *at),
	       (m, clock, at), pthread_mutex_timedlock(m, &real))
CLOCK_FUNCTION(pthread_rwlock_clockrdlock, (pthread_rwlock_t *l, clockid_t clock, const struct timespec *at),
	       (l, clock, at), pthread_rwlock_timedrdlock(l, &real))
CLOCK_FUNCTION(pthread_rwlock_clockwrlock, (pthread_rwlock_t *l, clockid_t clock, const struct timespec *at),
	       (l, clock, at), pthread_rwlock_timedwrlock(l, &real))

int EXPORT(sem_clockwait)(sem_t *sem, clockid_t clock, const struct timespec *at)
{
	struct timespec real;
	int error;

	if (system_sem_clockwait)
		return system_sem_clockwait(sem, clock, at);
	error = to_realtime(clock, at, &real);
	if (error) {
		errno = error;
		return -1;
	}
	return sem_timedwait(sem, &real);
}

/* 2.18: destructors of thread_local objects, last come first. Those of a thread run when it
 * ends, those of the main thread at exit. The library that has them is not unloaded: dlclose
 * would take their code away. */

typedef int thread_atexit(void (*)(void *), void *, void *);

struct destructor {
	void (*run)(void *);
	void *object;
	struct destructor *next;
};

static thread_atexit *system_thread_atexit; /* null on systems without it */
static pthread_key_t destructors;
static pthread_once_t destructors_once = PTHREAD_ONCE_INIT;

static void run_destructors(void *list)
{
	struct destructor *d = list;

	while (d) {
		struct destructor *next = d->next;

		d->run(d->object);
		free(d);
		d = next;
		if (!d) { /* one of them may have made others */
			d = pthread_getspecific(destructors);
			pthread_setspecific(destructors, NULL);
		}
	}
}

static void run_own_destructors(void)
{
	struct destructor *d = pthread_getspecific(destructors);

	pthread_setspecific(destructors, NULL);
	run_destructors(d);
}

static void make_destructors(void)
{
	*(void **)&system_thread_atexit = dlsym(RTLD_DEFAULT, "__cxa_thread_atexit_impl");
	if (system_thread_atexit)
		return;
	if (pthread_key_create(&destructors, run_destructors) != 0 || atexit(run_own_destructors) != 0)
		abort();
}

int EXPORT(__cxa_thread_atexit_impl)(void (*run)(void *), void *object, void *dso)
{
	struct destructor *d;
	Dl_info info;

	pthread_once(&destructors_once, make_destructors);
	if (system_thread_atexit)
		return system_thread_atexit(run, object, dso);
	d = malloc(sizeof *d);
	if (!d)
		abort(); /* as glibc does */
	if (dladdr(*(void **)&run, &info) && info.dli_fname)
		dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
	d->run = run;
	d->object = object;
	d->next = pthread_getspecific(destructors);
	pthread_setspecific(destructors, d);
	return 0;
}

/* Headers of 2.34 and later ask sysconf for the size of a signal stack, which libraries before
 * 2.34 answer with -1 (sysdeps/unix/sysv/linux/sysconf-sigstksz.h). */

#define SC_MINSIGSTKSZ 249
#define SC_SIGSTKSZ 250
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

static long least_signal_stack(void)
{
	long least = getauxval(AT_MINSIGSTKSZ);

#if defined(__aarch64__)
	return least > 5120 ? least : 5120;
#elif defined(__powerpc64__) || defined(__ia64__)
	return least > 4096 ? least : 4096;
#else
	return least > 2048 ? least : 2048;
#endif
}

long EXPORT(sysconf)(int name)
{
	long n = sysconf(name);

	if (n >= 0 || (name != SC_MINSIGSTKSZ && name != SC_SIGSTKSZ))
		return n;
	n = least_signal_stack();
	if (name == SC_MINSIGSTKSZ)
		return n;
#if defined(__aarch64__) || defined(__powerpc64__)
	return n * 4 > 16384 ? n * 4 : 16384;
#else
	return n * 4 > 8192 ? n * 4 : 8192;
#endif
}
