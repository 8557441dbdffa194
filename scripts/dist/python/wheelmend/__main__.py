"""Lets python -m wheelmend run the program."""

import os
import subprocess
import sys

from wheelmend import find_wheelmend_bin


def main() -> None:
    command = [find_wheelmend_bin(), *sys.argv[1:]]
    if os.name != "nt":
        os.execv(command[0], command)
    try:
        sys.exit(subprocess.call(command))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
