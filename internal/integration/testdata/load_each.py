"""Load each given library in a process of its own, with all symbols bound at once.

Prints a JSON object: for each file what the loader said, "" if it loaded.
"""

import ctypes
import json
import os
import sys


def load(path):
    """What the loader says of one file."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 2)  # ld.so aborts with a message there
        try:
            ctypes.CDLL(path, mode=os.RTLD_NOW | os.RTLD_LOCAL)
        except OSError as error:
            os.write(2, str(error).encode())
            os._exit(1)
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        said = pipe.read().decode(errors="replace").strip()
    _, status = os.waitpid(child, 0)
    return "" if status == 0 else said or f"status {status}"


if __name__ == "__main__":
    print(json.dumps({path: load(path) for path in sys.argv[1:]}))
