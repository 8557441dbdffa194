from setuptools import Extension, setup

setup(
    packages=["digests"],
    package_dir={"": "src"},
    ext_modules=[Extension("digests._core", ["src/core.c"], libraries=["xxhash"])],
)
