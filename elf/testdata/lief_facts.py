"""Answers each path on stdin with a line: as JSON what lief reads in that ELF
file, null when it reads none."""

import hashlib
import json
import sys
import warnings

import lief

lief.logging.disable()
warnings.simplefilter("ignore")  # about tags that it does not know


def version_of(symbol):
    version = symbol.symbol_version
    if version and version.has_auxiliary_version:
        return version.symbol_version_auxiliary.name
    return ""


def facts_of(path):
    elf = lief.ELF.parse(path)
    if elf is None:
        return None
    facts = {"Path": path, "Needed": list(elf.libraries), "Interpreter": elf.interpreter if elf.has_interpreter else ""}
    for entry in elf.dynamic_entries:
        if entry.tag == lief.ELF.DynamicEntry.TAG.SONAME:
            facts["Soname"] = entry.name
        elif entry.tag == lief.ELF.DynamicEntry.TAG.RPATH:
            facts["RPath"] = entry.rpath
        elif entry.tag == lief.ELF.DynamicEntry.TAG.RUNPATH:
            facts["RunPath"] = entry.runpath
    # lief orders symbols anew.
    lines = sorted(f"{s.name} {version_of(s)} {'U' if s.shndx == 0 else 'D'}" for s in elf.dynamic_symbols)
    facts["Symbols"] = len(lines)
    facts["Digest"] = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    facts["Needs"] = {
        r.name: [a.name for a in r.get_auxiliary_symbols()] for r in elf.symbols_version_requirement
    }
    return facts


for line in sys.stdin:
    print(json.dumps(facts_of(line.rstrip("\n"))), flush=True)
