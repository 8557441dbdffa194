"""Calls what the compatibility library defines, and compares with the C library's own.

The arguments are the library, the list of its names, and whether the C library is the
newest, which has all of them. With one more the kernel lacks some system calls. What only a crash could tell runs in a child.
"""
import ctypes, errno, os, resource, signal, stat, struct, sys, tempfile, time
from ctypes import byref, c_char, c_char_p, c_int, c_long, c_size_t, c_uint, c_void_p, create_string_buffer

path, names, newest = sys.argv[1], set(sys.argv[2].split(",")), sys.argv[3] == "newest"
own = ctypes.CDLL(path, use_errno=True)
libc = ctypes.CDLL(None, use_errno=True)
for more in ("libpthread.so.0", "libdl.so.2"):
    ctypes.CDLL(more, mode=ctypes.RTLD_GLOBAL)
called, failures = set(), []


def function(library, name, result):
    f = library[name]
    f.restype = result
    return f


def call(f, *arguments):
    """Returns the result, and errno where it says failure."""
    ctypes.set_errno(0)
    result = f(*arguments)
    return result, ctypes.get_errno() if result == -1 else 0


def check(name, got, want):
    called.add(name)
    if got != want:
        failures.append(f"{name}: got {got!r}, want {want!r}")


def same(name, arguments, want=None, result=c_int, show=lambda: None):
    """Calls both and compares: result, errno, and what show returns afterwards. Where the C
    library has none, the result has to be want."""
    got = call(function(own, "__wheelmend_" + name, result), *arguments), show()
    if want is not None:
        check(name, got[0], want)
    try:
        real = function(libc, name, result)
    except AttributeError:
        if newest and not name.endswith("_chk"):
            failures.append(f"{name}: the newest C library has none")
        called.add(name)
        return got[0]
    check(name, got, (call(real, *arguments), show()))
    return got[0]


def dies(name, action):
    """Checks that the action ends the process by SIGABRT."""
    called.add(name)
    child = os.fork()
    if child == 0:
        os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
        action()
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGABRT:
        failures.append(f"{name}: does not end the process, status {status}")


work = tempfile.mkdtemp(dir="/tmp").encode()
file, link, none = work + b"/file", work + b"/link", work + b"/none"
with open(file, "wb") as f:
    f.write(b"0123456789" * 10)
os.symlink(file, link)
fd, directory = os.open(file, os.O_RDWR), os.open(work, os.O_RDONLY)
AT_FDCWD, NOFOLLOW = -100, 0x100


def without_calls(numbers):
    """Has the kernel know none of some system calls, as an old one does (seccomp)."""
    BPF_LD_NR, BPF_JEQ, BPF_RET = 0x20, 0x15, 0x06
    filter = [(BPF_LD_NR, 0, 0, 0)]
    for i, number in enumerate(numbers):
        filter.append((BPF_JEQ, len(numbers) - i, 0, number))
    filter += [(BPF_RET, 0, 0, 0x7FFF0000), (BPF_RET, 0, 0, 0x00050000 | errno.ENOSYS)]
    code = create_string_buffer(b"".join(struct.pack("HBBI", *f) for f in filter))
    program = struct.pack("HxxxxxxP", len(filter), ctypes.addressof(code))
    if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
        sys.exit("no seccomp: errno %d" % ctypes.get_errno())


if len(sys.argv) > 4:  # x86_64: mlock2 preadv2 pwritev2 statx renameat2 getrandom close_range
    without_calls([325, 327, 328, 332, 316, 318, 436])

# stat and its kin: the structure is compared with what Python says, and with the C library's.
buf = create_string_buffer(256)
real = os.stat(file)


def inode():
    return struct.unpack_from("=QQQIIIIQ", buf.raw) if os.uname().machine == "x86_64" else buf.raw


for suffix in ("", "64"):
    same("stat" + suffix, (file, buf), (0, 0), show=inode)
    check("stat" + suffix, inode()[:5], (real.st_dev, real.st_ino, real.st_nlink, real.st_mode, real.st_uid))
    same("stat" + suffix, (none, buf), (-1, errno.ENOENT))
    same("lstat" + suffix, (link, buf), (0, 0), show=inode)
    check("lstat" + suffix, stat.S_ISLNK(inode()[3]), True)
    same("fstat" + suffix, (fd, buf), (0, 0), show=inode)
    same("fstat" + suffix, (-1, buf), (-1, errno.EBADF))
    same("fstatat" + suffix, (directory, b"link", buf, NOFOLLOW), (0, 0), show=inode)
    same("fstatat" + suffix, (directory, b"none", buf, 0), (-1, errno.ENOENT))
    same("fstatat" + suffix, (directory, b"link", buf, 0x40000000), (-1, errno.EINVAL))
for name, first in (("mknod", ()), ("mknodat", (directory,))):
    node = work + b"/" + name.encode()
    arguments = (*first, node, stat.S_IFIFO | 0o600, ctypes.c_ulong(0))
    check(name, call(own["__wheelmend_" + name], *arguments), (0, 0))
    check(name, stat.S_ISFIFO(os.stat(node).st_mode), True)
    same(name, arguments, (-1, errno.EEXIST))
big = create_string_buffer(256)
same("statx", (AT_FDCWD, file, 0, 0x7FF, big), (0, 0), show=lambda: struct.unpack_from("=QQ", big.raw, 32))
check("statx", struct.unpack_from("=Q", big.raw, 32)[0], real.st_ino)
same("statx", (AT_FDCWD, none, 0, 0x7FF, big), (-1, errno.ENOENT))
same("statx", (AT_FDCWD, file, 0, 0x80000000, big), (0, 0) if len(sys.argv) > 4 else (-1, errno.EINVAL))
same("statx", (AT_FDCWD, file, 0x80000, 0x7FF, big), (-1, errno.EINVAL))

# random bytes
random = create_string_buffer(300)
if len(sys.argv) > 4:
    same("getrandom", (random, 8, 0), (-1, errno.ENOSYS), result=c_long)
else:
    check("getrandom", call(function(own, "__wheelmend_getrandom", c_long), random, 64, 0), (64, 0))
    same("getrandom", (random, 8, 0x4000), (-1, errno.EINVAL), result=c_long)
for name, size in (("getentropy", 256), ("arc4random_buf", 300)):
    if name == "getentropy" and len(sys.argv) > 4:
        continue
    ctypes.memset(random, 0, 300)
    own["__wheelmend_" + name](random, size)
    check(name, len(set(random.raw[:size])) > 60, True)
same("getentropy", (random, 257), (-1, errno.EIO))
same("getentropy", (None, 16), (-1, errno.ENOSYS if len(sys.argv) > 4 else errno.EFAULT))
draw = function(own, "__wheelmend_arc4random", c_uint)
check("arc4random", len({draw() for _ in range(50)}) > 45, True)
uniform = function(own, "__wheelmend_arc4random_uniform", c_uint)
check("arc4random_uniform", ({uniform(5) for _ in range(500)}, uniform(0), uniform(1)), ({0, 1, 2, 3, 4}, 0, 0))
check("arc4random_uniform", all(uniform(3 << 30) < 3 << 30 for _ in range(100)), True)

# memory and strings
same("reallocarray", (None, c_size_t(1 << 40), c_size_t(1 << 40)), (None, 0), result=c_void_p)
ctypes.set_errno(0)
function(own, "__wheelmend_reallocarray", c_void_p)(None, c_size_t(1 << 40), c_size_t(1 << 40))
check("reallocarray", ctypes.get_errno(), errno.ENOMEM)
check("reallocarray", bool(function(own, "__wheelmend_reallocarray", c_void_p)(None, c_size_t(3), c_size_t(5))), True)
for name, room in (("explicit_bzero", ()), ("__explicit_bzero_chk", (c_size_t(9),))):
    text = create_string_buffer(b"secret!!", 9)
    own["__wheelmend_" + name](text, c_size_t(6), *room)
    check(name, text.raw, b"\0\0\0\0\0\0!!\0")
dies("__explicit_bzero_chk", lambda: own["__wheelmend___explicit_bzero_chk"](buf, c_size_t(9), c_size_t(8)))
for kind, wide in (("str", False), ("wcs", True)):
    make = ctypes.create_unicode_buffer if wide else create_string_buffer
    word = (lambda s: s) if wide else (lambda s: s.encode())
    for base in ("lcpy", "lcat"):
        for fortified in (False, True):
            name = f"__{kind}{base}_chk" if fortified else kind + base
            for size in (0, 1, 2, 3, 4, 8):
                for old in ("", "a", "abc"):
                    for new in ("", "x", "wxyz"):
                        to, room = make(word(old), 8), (c_size_t(8),) if fortified else ()
                        got = function(own, "__wheelmend_" + name, c_size_t)(to, make(word(new)), c_size_t(size), *room), to[:]
                        if base == "lcpy":
                            want, end = len(new), new[: max(size - 1, 0)] if size else None
                        else:
                            used = min(len(old), size)
                            want = used + len(new)
                            end = old + new[: size - 1 - len(old)] if size > len(old) else None
                        check(name, got[0], want)
                        if end is not None:
                            check(name, got[1][: len(end) + 1], word(end + "\0"))
                        else:
                            check(name, got[1], make(word(old), 8)[:])
            if fortified:
                dies(name, lambda: own["__wheelmend_" + name](make(8), make(word("x")), c_size_t(9), c_size_t(8)))
same("__memcmpeq", (b"abc", b"abc", c_size_t(3)), (0, 0))
check("__memcmpeq", own["__wheelmend___memcmpeq"](b"abc", b"abd", c_size_t(3)) != 0, True)

# bare system calls
same("gettid", (), (os.getpid(), 0))
same("tgkill", (os.getpid(), os.getpid(), 0), (0, 0))
same("tgkill", (os.getpid(), os.getpid(), 99), (-1, errno.EINVAL))
cpu, node = c_uint(999999), c_uint(999999)
check("getcpu", call(own["__wheelmend_getcpu"], byref(cpu), byref(node)), (0, 0))
check("getcpu", cpu.value < 999999 and node.value < 999999, True)
memory = own["__wheelmend_memfd_create"](b"name", 1)
check("memfd_create", os.readlink(f"/proc/self/fd/{memory}").startswith("/memfd:name") if os.path.exists("/proc/self/fd") else memory >= 0, True)
same("memfd_create", (b"name", 0x8000000), (-1, errno.EINVAL))
page = create_string_buffer(4096)
same("mlock2", (page, c_size_t(0), 0), (0, 0))
same("mlock2", (page, c_size_t(0), 0x100), (-1, errno.EINVAL))
same("pkey_alloc", (0x100, 0), (-1, errno.EINVAL))
same("pkey_free", (9999,), (-1, errno.EINVAL))
same("pkey_mprotect", (c_void_p(4096 * 7), c_size_t(4096), 1, -1), (-1, errno.ENOMEM))
same("pkey_mprotect", (c_void_p(4096 * 7), c_size_t(4096), 1, 9999), (-1, errno.EINVAL))
check("getdents64", own["__wheelmend_getdents64"](directory, buf, c_size_t(256)) > 0, True)
same("getdents64", (fd, buf, c_size_t(256)), (-1, errno.ENOTDIR), result=c_long)
same("execveat", (directory, b"none", None, None, 0), (-1, errno.ENOENT))
spare = os.dup(fd)
if len(sys.argv) > 4:
    same("close_range", (spare, spare, 0), (-1, errno.ENOSYS))
    os.close(spare)
else:
    same("close_range", (9, 8, 0), (-1, errno.EINVAL))
    check("close_range", call(own["__wheelmend_close_range"], spare, spare, 0), (0, 0))
same("fstat", (spare, buf), (-1, errno.EBADF))
pid = own["__wheelmend_pidfd_open"](os.getpid(), 0)
check("pidfd_open", pid >= 0, True)
same("pidfd_open", (-1, 0), (-1, errno.EINVAL))
same("pidfd_send_signal", (pid, 0, None, 0), (0, 0))
same("pidfd_getfd", (pid, 9999, 0), (-1, errno.EBADF))
same("process_madvise", (-1, None, c_size_t(0), 20, 0), (-1, errno.EBADF), result=c_long)
same("process_mrelease", (-1, 0), (-1, errno.EBADF))
other = os.open(work + b"/other", os.O_RDWR | os.O_CREAT)
start = ctypes.c_int64(3)
check("copy_file_range", call(function(own, "__wheelmend_copy_file_range", c_long), fd, byref(start), other, None, c_size_t(4), 0), (4, 0))
check("copy_file_range", (os.pread(other, 9, 0), start.value), (b"3456", 7))
same("copy_file_range", (fd, None, other, None, c_size_t(4), 77), (-1, errno.EINVAL), result=c_long)
open(work + b"/one", "wb").close()
check("renameat2", call(own["__wheelmend_renameat2"], directory, b"one", directory, b"two", 0), (0, 0))
same("renameat2", (directory, b"two", directory, b"file", 1), (-1, errno.EINVAL if len(sys.argv) > 4 else errno.EEXIST))
same("renameat2", (directory, b"two", directory, b"file", 0x80), (-1, errno.EINVAL))
part = create_string_buffer(4)
vector = struct.pack("PN", ctypes.addressof(part), 4)
for wide in ("", "64v"):
    name = f"preadv{wide}2"
    same(name, (fd, vector, 1, c_long(5), 0), (4, 0), result=c_long, show=lambda: part.raw)
    check(name, part.raw, b"5678")
    os.lseek(fd, 2, 0)
    check(name, call(function(own, "__wheelmend_" + name, c_long), fd, vector, 1, c_long(-1), 0) + (part.raw,), (4, 0, b"2345"))
    same(name, (fd, vector, 1, c_long(0), 0x40000000), (-1, errno.EOPNOTSUPP), result=c_long)
    name = f"pwritev{wide}2"
    same(name, (other, vector, 1, c_long(1), 0), (4, 0), result=c_long)
    check(name, os.pread(other, 4, 1), part.raw)
    same(name, (-1, vector, 1, c_long(0), 0), (-1, errno.EBADF), result=c_long)
poll = ctypes.CDLL(None).epoll_create1(0)
same("epoll_pwait2", (poll, buf, 1, struct.pack("ll", 0, 1000), None), (0, 0))
same("epoll_pwait2", (-1, buf, 1, None, None), (-1, errno.EBADF))

# closefrom, in a child; without close_range it reads /proc
called.add("closefrom")
child = os.fork()
if child == 0:
    if not os.path.exists("/proc/self/fd") and len(sys.argv) > 4:
        os._exit(0)  # it needs either
    for _ in range(300):
        os.dup(fd)
    own["__wheelmend_closefrom"](50)
    limit = os.sysconf("SC_OPEN_MAX")
    def is_open(n):
        try:
            os.fstat(n)
            return True
        except OSError:
            return False
    os._exit(0 if is_open(49) and not any(is_open(n) for n in range(50, 400)) else 1)
check("closefrom", os.waitpid(child, 0)[1], 0)

# files that a spawned program does not get, by what the function says and the program sees
called.add("posix_spawn_file_actions_addclosefrom_np")
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
os.dup2(fd, 900)
os.dup2(fd, 30)
for n in (30, 900):
    os.set_inheritable(n, True)
actions, pid = create_string_buffer(256), ctypes.c_int()
add = own["__wheelmend_posix_spawn_file_actions_addclosefrom_np"]
ctypes.CDLL(None).posix_spawn_file_actions_init(actions)
check("posix_spawn_file_actions_addclosefrom_np", (add(actions, -1), add(actions, 1024), add(actions, 31)), (errno.EBADF, errno.EBADF, 0))
if len(sys.argv) < 5 or not hasattr(libc, "posix_spawn_file_actions_addclosefrom_np"):  # which needs close_range or /proc
    code = "import os\nos.fstat(30)\ntry: os.fstat(900)\nexcept OSError: os._exit(7)"
    arguments = (ctypes.c_char_p * 4)(sys.executable.encode(), b"-c", code.encode(), None)
    environment = (ctypes.c_char_p * (len(os.environ) + 1))(*[os.fsencode(f"{k}={v}") for k, v in os.environ.items()], None)
    check("posix_spawn", ctypes.CDLL(None).posix_spawn(ctypes.byref(pid), arguments[0], actions, None, arguments, environment), 0)
    check("posix_spawn_file_actions_addclosefrom_np", os.waitstatus_to_exitcode(os.waitpid(pid.value, 0)[1]), 7)

# sysconf: never -1 for the sizes of signal stacks, and all else as the C library says
sysconf = function(own, "__wheelmend_sysconf", c_long)
least, usual = sysconf(249), sysconf(250)
check("sysconf", least >= 2048 and usual >= 4 * least, True)
if newest:
    same("sysconf", (249,), result=c_long)
    same("sysconf", (250,), result=c_long)
for n in (0, 2, 4, 30, 84, 9999):
    same("sysconf", (n,), result=c_long)
resolution = create_string_buffer(16)
same("timespec_getres", (resolution, 1), (1, 0), show=lambda: resolution.raw)
same("timespec_getres", (resolution, 77), (0, 0))
check("__libc_single_threaded", c_char.in_dll(own, "__wheelmend___libc_single_threaded").value, b"\0")


# waits by a clock
def at(seconds, clock=time.CLOCK_MONOTONIC):
    ns = time.clock_gettime_ns(clock) + int(seconds * 1e9)
    return struct.pack("ll", ns // 10**9, ns % 10**9)


locks = ctypes.CDLL("libpthread.so.0", use_errno=True)
mutex, lock, sem = (create_string_buffer(64) for _ in range(3))
locks.sem_init(sem, 0, 0)
locks.pthread_mutex_lock(mutex)
locks.pthread_rwlock_wrlock(lock)
waits = {"pthread_mutex_clocklock": (mutex,), "sem_clockwait": (sem,)}
for name, arguments in waits.items():
    late = (-1, errno.ETIMEDOUT) if name == "sem_clockwait" else (errno.ETIMEDOUT, 0)
    bad = (-1, errno.EINVAL) if name == "sem_clockwait" else (errno.EINVAL, 0)
    for clock in (time.CLOCK_MONOTONIC, time.CLOCK_REALTIME):
        before = time.monotonic()
        same(name, (*arguments, clock, at(0.05, clock)), late)
        check(name, time.monotonic() - before >= 0.049, True)
        same(name, (*arguments, clock, at(-5, clock)), late)
    same(name, (*arguments, 99, at(0.05)), bad)
    same(name, (*arguments, time.CLOCK_MONOTONIC, struct.pack("ll", 1, 10**9)), bad)
locks.sem_post(sem)
check("sem_clockwait", call(own["__wheelmend_sem_clockwait"], sem, time.CLOCK_MONOTONIC, at(5)), (0, 0))
free = create_string_buffer(64)
for name in ("pthread_rwlock_clockrdlock", "pthread_rwlock_clockwrlock", "pthread_mutex_clocklock"):
    check(name, call(own["__wheelmend_" + name], free, time.CLOCK_MONOTONIC, at(5)), (0, 0))
    (locks.pthread_mutex_unlock if "mutex" in name else locks.pthread_rwlock_unlock)(free)
    same(name, (free, 99, at(1)), (errno.EINVAL, 0))
    free = create_string_buffer(64)

# destructors of thread_local objects: each thread runs its own as it ends, the last one first
import threading

order = []
destructor = ctypes.CFUNCTYPE(None, c_void_p)
def nested(p):
    order.append(p)
    if p == 2:
        own["__wheelmend___cxa_thread_atexit_impl"](run, c_void_p(3), None)
run = destructor(nested)
def thread():
    for n in (1, 2):
        own["__wheelmend___cxa_thread_atexit_impl"](run, c_void_p(n), c_void_p(ctypes.addressof(page)))
t = threading.Thread(target=thread)
t.start()
t.join()
for _ in range(100):
    if len(order) == 3:
        break
    time.sleep(0.01)
check("__cxa_thread_atexit_impl", order, [2, 3, 1])

left = names - {"__wheelmend_" + n for n in called} - {"__wheelmend___libc_start_main"}
if left:
    failures.append("not called: " + ", ".join(sorted(left)))
for failure in failures:
    print(failure)
sys.exit(bool(failures))
