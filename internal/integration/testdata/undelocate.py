"""Makes of a wheel that delocate has repaired one to repair, and a folder of libraries.

usage: undelocate.py WHEEL DIR

DIR gets the wheel without the libraries of its .dylibs folders, and lib/ with them.
What was loaded from there is loaded as @rpath/NAME; a library is called /opt/lib/NAME,
as on the machine that built it. llvm-install-name-tool has to be on the PATH.
"""

import base64
import hashlib
import pathlib
import posixpath
import subprocess
import sys
import tempfile
import zipfile

MAGIC = {b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xce\xfa\xed\xfe"}
FOLDER = ".dylibs"


def in_folder(member):
    return FOLDER in member.split("/")[:-1]


def names_of(file):
    """The names that an image loads, and its own, if it has one."""
    lines = {}
    for flag in "--dylibs-used", "--dylib-id":
        said = subprocess.run(["llvm-objdump", "--macho", "--arch=all", flag, file], check=True, capture_output=True, text=True)
        lines[flag] = [line.strip() for line in said.stdout.splitlines() if not line.endswith(":")]
    own = set(lines["--dylib-id"])
    return {line.split(" (compatibility")[0] for line in lines["--dylibs-used"]} - own, own


def set_back(content, member):
    """Gives an image the names that it had before delocate came."""
    with tempfile.NamedTemporaryFile(suffix=posixpath.basename(member)) as image:
        image.write(content)
        image.flush()
        loads, own = names_of(image.name)
        changes = []
        for name in sorted(loads):
            if in_folder(name) or (in_folder(member) and name.startswith("@loader_path/")):
                changes += ["-change", name, "@rpath/" + posixpath.basename(name)]
        if own and in_folder(member):
            changes += ["-id", "/opt/lib/" + posixpath.basename(member)]
        if not changes:
            return content
        subprocess.run(["llvm-install-name-tool", *changes, image.name], check=True)
        return pathlib.Path(image.name).read_bytes()


def row(member, content):
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"{member},sha256={digest},{len(content)}\n"


def main(wheel, out):
    wheel, out = pathlib.Path(wheel), pathlib.Path(out)
    (out / "lib").mkdir(parents=True)
    rows = ""
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(out / wheel.name, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            name, content = info.filename, old.read(info)
            if info.is_dir():
                continue
            if name.endswith(".dist-info/RECORD"):
                record = info
                continue
            if content[:4] in MAGIC:
                content = set_back(content, name)
            if in_folder(name):
                (out / "lib" / posixpath.basename(name)).write_bytes(content)
                continue
            new.writestr(info, content)
            rows += row(name, content)
        new.writestr(record, rows + record.filename + ",,\n")


main(*sys.argv[1:])
