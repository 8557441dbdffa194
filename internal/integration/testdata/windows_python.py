"""Run a program in Python for Windows, and print what came of it as JSON.

    python.exe windows_python.py SITE

The program is in the file beside this one, with .txt at its end. Its variable "result"
is printed, the exception that ended it, and the path of every file that the process has
loaded. The three are behind a character that no program prints.
"""

import json
import sys


def loaded():
    """Paths of the modules of this process, as Windows tells them."""
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32EnumProcessModules.argtypes = (ctypes.c_void_p, ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p)
    kernel.GetModuleFileNameW.argtypes = (ctypes.c_void_p, wintypes.LPWSTR, wintypes.DWORD)
    handles, size = (ctypes.c_void_p * 4096)(), wintypes.DWORD()
    kernel.K32EnumProcessModules(kernel.GetCurrentProcess(), handles, ctypes.sizeof(handles), ctypes.byref(size))
    path = ctypes.create_unicode_buffer(1024)
    for handle in handles[: size.value // ctypes.sizeof(ctypes.c_void_p)]:
        kernel.GetModuleFileNameW(handle, path, 1024)
        yield path.value


def main():
    sys.path.insert(0, sys.argv[1])
    with open(__file__ + ".txt", encoding="utf-8") as file:
        program = file.read()
    names, error = {"__name__": "program"}, ""
    try:
        exec(compile(program, "program", "exec"), names)
    except BaseException as e:
        error = "%s: %s" % (type(e).__name__, e)
    answer = {"Result": str(names.get("result", "")), "Error": error, "Loaded": list(loaded())}
    sys.stdout.write("\x1e" + json.dumps(answer) + "\n")


main()
