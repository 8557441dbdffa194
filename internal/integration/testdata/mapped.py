"""Report which files a process has mapped after it used a package.

    mapped.py SCRIPT             run SCRIPT, then load every installed library
    mapped.py --import MODULE... import modules of Python itself, nothing else
"""

import ctypes
import importlib
import json
import os
import runpy
import sys
import sysconfig


def mapped_files():
    files = set()
    with open("/proc/self/maps") as maps:
        for line in maps:
            path = line.rstrip("\n").split(maxsplit=5)[5:]
            if path and path[0].startswith("/"):
                files.add(os.path.realpath(path[0]))
    return sorted(files)


def own_extensions():
    """Names of imported modules that are shared objects of Python itself."""
    stdlib = os.path.dirname(os.path.realpath(os.__file__))
    site = os.path.join(stdlib, "site-packages")
    found = []
    for name, module in sorted(sys.modules.items()):
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        if path.endswith(".so") and path.startswith(stdlib) and not path.startswith(site):
            found.append(name)
    return found


def load_installed():
    """Load each library below site-packages, with all symbols bound at once."""
    for folder, _, names in os.walk(sysconfig.get_path("platlib")):
        for name in sorted(names):
            path = os.path.join(folder, name)
            if ".so" in name and not os.path.islink(path):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        ctypes.CDLL(path, os.RTLD_NOW | os.RTLD_LOCAL)


def main():
    if sys.argv[1] == "--import":
        for name in sys.argv[2:]:
            importlib.import_module(name)
    else:
        runpy.run_path(sys.argv[1], run_name="__main__")
        load_installed()
    print(json.dumps({"mapped": mapped_files(), "stdlib": own_extensions()}))


main()
