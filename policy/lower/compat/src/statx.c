/* 2.28: statx, in a file of its own for the sake of the headers' struct stat. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT(name) __attribute__((visibility("default"))) __wheelmend_##name

extern int fstatat64_own(int, const char *, struct stat64 *, int) __asm__("__wheelmend_fstatat64");

static struct statx_timestamp timestamp(const struct timespec *t)
{
	return (struct statx_timestamp){.tv_sec = t->tv_sec, .tv_nsec = t->tv_nsec};
}

/* Kernels before 4.11 tell what stat tells (sysdeps/unix/sysv/linux/statx_generic.c). */
static int statx_of_stat(int fd, const char *path, int flags, struct statx *to)
{
	struct stat64 st;

	if (fstatat64_own(fd, path, &st, flags & ~AT_STATX_SYNC_TYPE) != 0)
		return -1;
	memset(to, 0, sizeof *to);
	to->stx_mask = STATX_BASIC_STATS;
	to->stx_blksize = st.st_blksize;
	to->stx_nlink = st.st_nlink;
	to->stx_uid = st.st_uid;
	to->stx_gid = st.st_gid;
	to->stx_mode = st.st_mode;
	to->stx_ino = st.st_ino;
	to->stx_size = st.st_size;
	to->stx_blocks = st.st_blocks;
	to->stx_atime = timestamp(&st.st_atim);
	to->stx_mtime = timestamp(&st.st_mtim);
	to->stx_ctime = timestamp(&st.st_ctim);
	to->stx_rdev_major = major(st.st_rdev);
	to->stx_rdev_minor = minor(st.st_rdev);
	to->stx_dev_major = major(st.st_dev);
	to->stx_dev_minor = minor(st.st_dev);
	return 0;
}

int EXPORT(statx)(int fd, const char *path, int flags, unsigned int mask, struct statx *to)
{
	const int known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_STATX_SYNC_TYPE;
	int before = errno;

	if (syscall(SYS_statx, fd, path, flags, mask, to) == 0)
		return 0;
	if (errno != ENOSYS)
		return -1;
	if (flags & ~known) { /* glibc does not look at the mask */
		errno = EINVAL;
		return -1;
	}
	errno = before;
	return statx_of_stat(fd, path, flags, to);
}
