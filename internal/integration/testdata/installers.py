"""Installs wheels with pip, installer and uv, each into folders of its own.

Standard input has the path of a wheel on each line. For each, a line of JSON
says what each installer made of it: the error, or the files with their digests.
pip and installer are loaded once, and a child is forked for each wheel. Arguments
name the installers, all by default; after --any-platform, pip installs what is not
for this machine as well.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import traceback

import installer.__main__
import pip._internal.cli.main
import pip._internal.commands.install
import pip._internal.models.wheel
import pip._internal.operations.install.wheel  # noqa: F401 what a child would load

# What installers write themselves, each with its own content.
OWN = re.compile(r"(^\.lock|\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_\w+\.json))$")


def run_pip(wheel, prefix):
    args = ["--isolated", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index"]
    args += ["--no-compile", "--ignore-installed", "--ignore-requires-python", "--no-warn-script-location", "--prefix", prefix, wheel]
    return pip._internal.cli.main.main(args)


def run_installer(wheel, prefix):
    installer.__main__._main(["--no-compile-bytecode", "--validate-record", "all", "--prefix", prefix, wheel])
    return 0


def forked(install, wheel, prefix, log):
    """Returns the exit code of install in a child, whose output goes to log."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    with contextlib.suppress(BaseException):
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        sys.stdout, sys.stderr = io.TextIOWrapper(io.FileIO(1, "w")), io.TextIOWrapper(io.FileIO(2, "w"))
        try:
            code = install(wheel, prefix)
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code or 0)


def run_uv(wheel, prefix, log):
    uv = os.path.join(os.path.dirname(sys.executable), "uv")
    args = [uv, "pip", "install", "--quiet", "--no-deps", "--offline", "--no-index", "--no-config"]
    args += ["--no-cache", "--python", sys.executable, "--prefix", prefix, wheel]
    return subprocess.run(args, stdout=log, stderr=log, check=False).returncode


def files(prefix):
    """Returns a digest of each file by its path, as all installers have them."""
    found = {}
    for folder, _, names in os.walk(prefix):
        for name in names:
            path = os.path.join(folder, name)
            at = os.path.relpath(path, prefix)
            if OWN.search(at):
                continue
            with open(path, "rb") as f:
                content = f.read()
            if at.startswith("bin/") and b"\nfrom " in content:
                content = b"a script that the installer wrote"
            # The folder of headers has a name of its own with each of the three.
            at = re.sub(r"^include/.*?shape/", "include/", at)
            found[at] = hashlib.sha256(content).hexdigest()[:16]
    return found


def outcome(wheel, name, run):
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "log"), "w+b") as log:
        prefix = os.path.join(folder, "prefix")
        code = run(wheel, prefix, log)
        log.seek(0)
        if code:
            return {"error": log.read().decode(errors="replace").strip()[-300:] or f"exit code {code}"}
        return {"files": files(prefix)}


INSTALLERS = {
    "pip": lambda wheel, prefix, log: forked(run_pip, wheel, prefix, log),
    "installer": lambda wheel, prefix, log: forked(run_installer, wheel, prefix, log),
    "uv": run_uv,
}


def main():
    names = sys.argv[1:]
    if names[:1] == ["--any-platform"]:
        names = names[1:]
        pip._internal.models.wheel.Wheel.supported = lambda *_: True
        pip._internal.models.wheel.Wheel.support_index_min = lambda *_: 0
        pip._internal.models.wheel.Wheel.find_most_preferred_tag = lambda *_: 0
    for line in sys.stdin:
        wheel = line.rstrip("\n")
        print(json.dumps({name: outcome(wheel, name, INSTALLERS[name]) for name in names or INSTALLERS}), flush=True)


if __name__ == "__main__":
    main()
