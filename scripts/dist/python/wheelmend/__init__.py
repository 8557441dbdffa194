"""Finds the program wheelmend that was installed with this package."""

import os
import sysconfig


def find_wheelmend_bin() -> str:
    """Return the path of the program."""
    name = "wheelmend" + (sysconfig.get_config_var("EXE") or "")
    folders = [sysconfig.get_path("scripts")]
    user = {"nt": "nt_user"}.get(os.name, "posix_user")
    if user in sysconfig.get_scheme_names():
        folders.append(sysconfig.get_path("scripts", scheme=user))
    # pip install --target puts it beside the package.
    package = os.path.dirname(os.path.abspath(__file__))
    folders.append(os.path.join(os.path.dirname(package), "bin"))
    # pip's folder for builds in isolation: lib/pythonX.Y/site-packages and bin.
    folders.append(os.path.join(os.path.dirname(package), "..", "..", "..", "bin"))
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(f"{name} is in none of {', '.join(folders)}; install wheelmend again")


__all__ = ["find_wheelmend_bin"]
