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
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
#if defined(__i386__) || defined(__x86_64__)
#include <cpuid.h>
#endif

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

/* Without flags mlock2 is mlock, and pkey_mprotect without a key is mprotect, on any kernel. */

int EXPORT(mlock2)(const void *at, size_t size, unsigned int flags)
{
	if (flags == 0)
		return mlock(at, size);
	if (syscall(SYS_mlock2, at, size, flags) == 0)
		return 0;
	if (errno == ENOSYS)
		errno = EINVAL;
	return -1;
}

int EXPORT(pkey_mprotect)(void *at, size_t size, int protection, int key)
{
	if (key == -1)
		return mprotect(at, size, protection);
	return syscall(SYS_pkey_mprotect, at, size, protection, key);
}

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

/* An entry of a directory as the kernel gives it. */
struct kernel_entry {
	uint64_t inode;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* Opens the list of open files. Where no more can be opened, a file that is to be closed
 * makes room. */
static int open_list(int first)
{
	for (;;) {
		int fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (errno != EMFILE)
			abort(); /* as glibc does */
		while (close(first) != 0 && errno == EBADF)
			if (first++ == INT32_MAX)
				abort();
	}
}

/* Closes what one read of the list tells, and returns whether there was anything. */
static int close_entries(int list, const char *buf, long size, int first)
{
	int closed = 0;
	long at;

	for (at = 0; at < size;) {
		const struct kernel_entry *entry = (const void *)(buf + at);
		const char *digit = entry->name;
		int fd = 0;

		at += entry->size;
		if (*digit < '0' || *digit > '9')
			continue;
		while (*digit)
			fd = fd * 10 + (*digit++ - '0');
		if (fd >= first && fd != list) {
			close(fd);
			closed = 1;
		}
	}
	return closed;
}

/* Between fork and exec no memory may be asked for, so that readdir is out of the question.
 * After files were closed the list is read from its start, until none is left in it. */
void EXPORT(closefrom)(int first)
{
	char buf[1024] __attribute__((aligned(8)));
	int list, closed = 0;

	if (system_closefrom) {
		system_closefrom(first);
		return;
	}
	if (first < 0)
		first = 0;
	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return;
	list = open_list(first);
	for (;;) {
		long size = syscall(SYS_getdents64, list, buf, sizeof buf);

		if (size < 0)
			abort();
		if (size > 0) {
			closed |= close_entries(list, buf, size, first);
		} else if (closed) {
			closed = 0;
			lseek(list, 0, SEEK_SET);
		} else {
			break;
		}
	}
	close(list);
}

SYSTEM(int, posix_spawn_file_actions_addclosefrom_np, (posix_spawn_file_actions_t *, int));

/* Without the system's own one each file is closed by itself, open or not: one that is not
 * open is no error of the spawn. From ALWAYS_CLOSED on they are those that are open now. */
#define ALWAYS_CLOSED 4096

static int close_open_ones(posix_spawn_file_actions_t *actions, long first)
{
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;
	int error = 0;

	if (!list)
		return errno;
	while (!error && (entry = readdir(list))) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (fd >= first && fd != dirfd(list))
			error = posix_spawn_file_actions_addclose(actions, fd);
	}
	closedir(list);
	return error;
}

int EXPORT(posix_spawn_file_actions_addclosefrom_np)(posix_spawn_file_actions_t *actions, int first)
{
	long end = sysconf(_SC_OPEN_MAX), fd;
	int error = 0;

	if (system_posix_spawn_file_actions_addclosefrom_np)
		return system_posix_spawn_file_actions_addclosefrom_np(actions, first);
	if (first < 0 || (end >= 0 && first >= end))
		return EBADF;
	for (fd = first; fd < ALWAYS_CLOSED && (end < 0 || fd < end) && !error; fd++)
		error = posix_spawn_file_actions_addclose(actions, fd);
	if (!error && (end < 0 || end > ALWAYS_CLOSED))
		error = close_open_ones(actions, fd);
	return error;
}

SYSTEM(int, timespec_getres, (struct timespec *, int));

int EXPORT(timespec_getres)(struct timespec *resolution, int base)
{
	if (system_timespec_getres)
		return system_timespec_getres(resolution, base);
	if (base == TIME_UTC) {
		clock_getres(CLOCK_REALTIME, resolution);
		return base;
	}
	return 0;
}

/* 2.32: whether the process has one thread. 0 says "maybe not", which is always true; the
 * caller then locks. */
__attribute__((visibility("default"))) char __wheelmend___libc_single_threaded = 0;

/* 2.30: waits by a clock. Without the system's own one the rest of the time is turned into
 * one of CLOCK_REALTIME, which older functions go by. None ends before its own clock says so;
 * it may end late if the time of day is set back meanwhile. pthread_cond_clockwait is not among
 * them: no function tells by which clock a condition waits, and by the wrong one it would wait
 * for decades. */

SYSTEM(int, pthread_mutex_clocklock, (pthread_mutex_t *, clockid_t, const struct timespec *));
SYSTEM(int, pthread_rwlock_clockrdlock, (pthread_rwlock_t *, clockid_t, const struct timespec *));
SYSTEM(int, pthread_rwlock_clockwrlock, (pthread_rwlock_t *, clockid_t, const struct timespec *));
SYSTEM(int, sem_clockwait, (sem_t *, clockid_t, const struct timespec *));

static int is_time(const struct timespec *t) { return t->tv_nsec >= 0 && t->tv_nsec < 1000000000; }

/* Tells whether a time of CLOCK_MONOTONIC has come, and if not, what CLOCK_REALTIME will
 * show then as both go now. */
static int has_come(const struct timespec *at, struct timespec *real)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	clock_gettime(CLOCK_REALTIME, real);
	if (at->tv_sec < now.tv_sec || (at->tv_sec == now.tv_sec && at->tv_nsec <= now.tv_nsec))
		return 1;
	if (__builtin_add_overflow(real->tv_sec, at->tv_sec - now.tv_sec, &real->tv_sec)) {
		real->tv_sec = sizeof real->tv_sec == 8 ? (time_t)INT64_MAX : (time_t)INT32_MAX; /* never */
		return 0;
	}
	real->tv_nsec += at->tv_nsec - now.tv_nsec;
	if (real->tv_nsec < 0) {
		real->tv_nsec += 1000000000;
		real->tv_sec--;
	} else if (real->tv_nsec >= 1000000000) {
		real->tv_nsec -= 1000000000;
		real->tv_sec++;
	}
	return 0;
}

/* A time that is none is an error only of a wait: a lock that is free is taken before. */
#define CLOCK_FUNCTION(name, lock_type, older)                                           \
	int EXPORT(name)(lock_type *lock, clockid_t clock, const struct timespec *at)        \
	{                                                                                    \
		struct timespec real;                                                            \
		int error;                                                                       \
                                                                                         \
		if (system_##name)                                                               \
			return system_##name(lock, clock, at);                                       \
		if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)                         \
			return EINVAL;                                                               \
		if (clock == CLOCK_REALTIME || !is_time(at))                                     \
			return older(lock, at);                                                      \
		do {                                                                             \
			has_come(at, &real);                                                         \
			error = older(lock, &real);                                                  \
		} while (error == ETIMEDOUT && !has_come(at, &real));                            \
		return error;                                                                    \
	}

CLOCK_FUNCTION(pthread_mutex_clocklock, pthread_mutex_t, pthread_mutex_timedlock)
CLOCK_FUNCTION(pthread_rwlock_clockrdlock, pthread_rwlock_t, pthread_rwlock_timedrdlock)
CLOCK_FUNCTION(pthread_rwlock_clockwrlock, pthread_rwlock_t, pthread_rwlock_timedwrlock)

int EXPORT(sem_clockwait)(sem_t *sem, clockid_t clock, const struct timespec *at)
{
	struct timespec real;
	int failed;

	if (system_sem_clockwait)
		return system_sem_clockwait(sem, clock, at);
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) {
		errno = EINVAL;
		return -1;
	}
	if (clock == CLOCK_REALTIME || !is_time(at))
		return sem_timedwait(sem, at);
	do {
		has_come(at, &real);
		failed = sem_timedwait(sem, &real);
	} while (failed && errno == ETIMEDOUT && !has_come(at, &real));
	return failed;
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

/* Takes one after the other off the list of the thread, to which each may add. */
static void run_destructors(void *list)
{
	struct destructor *d = list;

	while (d) {
		pthread_setspecific(destructors, d->next);
		d->run(d->object);
		free(d);
		d = pthread_getspecific(destructors);
	}
}

static void run_own_destructors(void) { run_destructors(pthread_getspecific(destructors)); }

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
#if defined(__i386__) || defined(__x86_64__)
	/* Kernels before 5.14 do not tell: what the processor saves, and the rest of a frame. */
	unsigned int a, b, c, d;

	if (least == 0 && __get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE) && __get_cpuid_count(13, 0, &a, &b, &c, &d))
		least = b + 1024;
#endif

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
	int before = errno;
	long n = sysconf(name);

	if (n >= 0 || (name != SC_MINSIGSTKSZ && name != SC_SIGSTKSZ))
		return n;
	errno = before; /* both have an answer */
	n = least_signal_stack();
	if (name == SC_MINSIGSTKSZ)
		return n;
#if defined(__aarch64__) || defined(__powerpc64__)
	return n * 4 > 16384 ? n * 4 : 16384;
#else
	return n * 4 > 8192 ? n * 4 : 8192;
#endif
}

/* 2.34: programs of newer linkers leave it to __libc_start_main to run their constructors,
 * which older ones do not (csu/libc-start.c, call_init). All run those that they are told to.
 * Destructors are the dynamic loader's, in all versions. */

#if !defined(__powerpc64__) /* where the start code hands over other arguments */
#include <link.h>

typedef void constructor(int, char **, char **);

struct constructors {
	constructor *init, **array;
	size_t bytes; /* of the array */
};

/* The program comes first. */
static int find_constructors(struct dl_phdr_info *program, size_t size, void *found)
{
	struct constructors *c = found;
	const ElfW(Dyn) *dynamic = NULL;
	int i;

	(void)size;
	for (i = 0; i < program->dlpi_phnum; i++)
		if (program->dlpi_phdr[i].p_type == PT_DYNAMIC)
			dynamic = (void *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr);
	for (; dynamic && dynamic->d_tag != DT_NULL; dynamic++)
		switch (dynamic->d_tag) {
		case DT_INIT:
			c->init = (constructor *)(program->dlpi_addr + dynamic->d_un.d_ptr);
			break;
		case DT_INIT_ARRAY:
			c->array = (constructor **)(program->dlpi_addr + dynamic->d_un.d_ptr);
			break;
		case DT_INIT_ARRAYSZ:
			c->bytes = dynamic->d_un.d_val;
			break;
		}
	return 1;
}

/* They run outside of dl_iterate_phdr, which holds a lock that dlopen and exceptions of
 * other threads want: a constructor may start such threads and wait for them. */
static int construct(int argc, char **argv, char **envp)
{
	struct constructors c = {NULL, NULL, 0};
	size_t i;

	dl_iterate_phdr(find_constructors, &c);
	if (c.init)
		c.init(argc, argv, envp);
	for (i = 0; c.array && i < c.bytes / sizeof *c.array; i++)
		c.array[i](argc, argv, envp);
	return 0;
}

typedef int main_function(int, char **, char **);

extern int __libc_start_main(main_function *, int, char **, main_function *, void (*)(void), void (*)(void), void *);

int EXPORT(__libc_start_main)(main_function *start, int argc, char **argv, main_function *init, void (*fini)(void), void (*rtld_fini)(void), void *stack_end)
{
	return __libc_start_main(start, argc, argv, init ? init : construct, fini, rtld_fini, stack_end);
}
#endif
