"""Calls what the C++ compatibility library defines, on a libstdc++ without the originals."""
import ctypes, os, signal, sys
from ctypes import c_char, c_char_p, c_int, c_size_t, c_void_p, byref

own = ctypes.CDLL(sys.argv[1])
std = ctypes.CDLL("libstdc++.so.6")
failures = []


def output(action, fd):
    """Runs an action in a child and returns what it wrote and the signal that ended it."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(into, fd)
        action()
        os._exit(0)
    os.close(into)
    text = b""
    while part := os.read(out, 4096):
        text += part
    os.close(out)
    return text, os.WTERMSIG(os.waitpid(child, 0)[1])


def check(name, got, want):
    if got != want:
        failures.append(f"{name}: got {got!r}, want {want!r}")


# The streams work though no one called ios_base_library_init.
cout = c_void_p(ctypes.addressof(c_char.in_dll(std, "_ZSt4cout")))
std._ZNSo3putEc.restype = std._ZNSo5flushEv.restype = c_void_p
check("ios_base_library_init", output(lambda: (std._ZNSo3putEc(cout, ord("x")), std._ZNSo5flushEv(cout)), 1), (b"x", 0))
own.__getattr__("__wheelmend__ZSt21ios_base_library_initv")()

# What is thrown is what the original throws: nobody catches it, and it is named.
text, ended = output(own["__wheelmend__ZSt28__throw_bad_array_new_lengthv"], 2)
check("throw_bad_array_new_length", (b"'std::bad_array_new_length'" in text, ended), (True, signal.SIGABRT))
text, ended = output(lambda: own["__wheelmend___cxa_call_terminate"](None), 2)
check("cxa_call_terminate", (b"terminate called" in text, ended), (True, signal.SIGABRT))
failed = own["__wheelmend__ZSt21__glibcxx_assert_failPKciS0_S0_"]
check("glibcxx_assert_fail", output(lambda: failed(b"f.cc", 7, b"g()", b"a < b"), 2), (b"f.cc:7: g(): Assertion 'a < b' failed.\n", signal.SIGABRT))

# An exception that was made lives until the last pointer to it is released.
released = []
destroy = ctypes.CFUNCTYPE(None, c_void_p)(released.append)
std.__getattr__("__cxa_allocate_exception").restype = c_void_p
init = None
try:
    init = std.__getattr__("__cxa_init_primary_exception")
except AttributeError:
    pass
if init:
    object = c_void_p(std.__getattr__("__cxa_allocate_exception")(c_size_t(8)))
    init(object, c_void_p(ctypes.addressof(c_char.in_dll(std, "_ZTIi"))), destroy)
    first, second = c_void_p(object.value), c_void_p(object.value)
    addref = own["__wheelmend__ZNSt15__exception_ptr13exception_ptr9_M_addrefEv"]
    release = own["__wheelmend__ZNSt15__exception_ptr13exception_ptr10_M_releaseEv"]
    addref(byref(first))
    addref(byref(second))
    release(byref(first))
    check("exception_ptr", len(released), 0)
    release(byref(second))
    check("exception_ptr", released, [object.value])

# String streams: in and out, as their default is.
for kind, get, put in (("18basic_stringstream", True, True), ("19basic_ostringstream", False, True), ("19basic_istringstream", True, False)):
    class_name = f"NSt7__cxx11{kind}IcSt11char_traitsIcESaIcEE"
    stream = ctypes.create_string_buffer(512)
    own[f"__wheelmend__Z{class_name}C1Ev"](stream)
    if put:  # the part of std::ostream follows the 16 bytes of std::istream, if there is one
        at = c_void_p(ctypes.addressof(stream) + (16 if get else 0))
        std._ZNSo3putEc(at, ord("y"))
        if get:
            std._ZNSi3getEv.restype = c_int
            check(kind, std._ZNSi3getEv(stream), ord("y"))
    else:
        check(kind, std._ZNSi3getEv(stream), -1)
    std[f"_Z{class_name}D1Ev"](stream)

for failure in failures:
    print(failure)
sys.exit(bool(failures))
