"""Repairs a wheel that holds one extension, and puts the repaired extension in
its place: wheel_edit.py TOOL FILE LIBRARIES. What TOOL grafts goes to LIBRARIES,
and to the folder where the search path of FILE leads."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

TAG = "cp311-cp311-linux_x86_64"
METADATA = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
WHEEL = f"Wheel-Version: 1.0\nGenerator: demo\nRoot-Is-Purelib: false\nTag: {TAG}\n"


def make_wheel(folder, extension):
    path = folder / f"demo-1.0-{TAG}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.write(extension, "demo/ext.so")
        wheel.writestr("demo-1.0.dist-info/METADATA", METADATA)
        wheel.writestr("demo-1.0.dist-info/WHEEL", WHEEL)
        wheel.writestr("demo-1.0.dist-info/RECORD", "demo/ext.so,,\n")  # auditwheel goes by it
    return path


def repair(tool, wheel, out, libraries):
    bin_folder = pathlib.Path(sys.executable).parent
    env = dict(os.environ, LD_LIBRARY_PATH=libraries)
    env["PATH"] = f"{bin_folder}:{env['PATH']}"
    command = [bin_folder / tool, "repair", "-w", out, wheel]
    if tool == "repairwheel":
        command = [bin_folder / tool, "-o", out, wheel]
    subprocess.run(command, env=env, check=True)


def main():
    tool, extension, libraries = sys.argv[1:]
    extension = pathlib.Path(extension)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        out = folder / "out"
        out.mkdir()
        repair(tool, make_wheel(folder, extension), out, libraries)
        with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
            wheel.extractall(folder)
        shutil.copy(folder / "demo/ext.so", extension)
        for target in (extension.parent.parent / "demo.libs", libraries):
            shutil.copytree(folder / "demo.libs", target, dirs_exist_ok=True)


main()
