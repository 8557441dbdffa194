"""Edits an ELF file with lief: lief_edit.py FILE RUNPATH"""

import sys

import lief

path, runpath = sys.argv[1:]
elf = lief.ELF.parse(path)
elf.get(lief.ELF.DynamicEntry.TAG.RUNPATH).runpath = runpath
elf.add_library("libpthread.so.0")
elf.write(path)
