"""Prints, as one JSON object a line, what pyelftools reads in the ELF files
whose paths come in on stdin. Files that are not ELF or not dynamic give none."""

import hashlib
import json
import sys

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import (
    GNUVerDefSection,
    GNUVerNeedSection,
    GNUVerSymSection,
)


def versions_of(elf):
    """Maps the indexes of .gnu.version to names, and lists needs and definitions."""
    names, needs, defs = {}, {}, []
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for need, auxiliaries in section.iter_versions():
                for aux in auxiliaries:
                    needs.setdefault(need.name, []).append(aux.name)
                    names[aux["vna_other"]] = aux.name
        elif isinstance(section, GNUVerDefSection):
            for definition, auxiliaries in section.iter_versions():
                name = next(iter(auxiliaries)).name
                defs.append(name)
                if not definition["vd_flags"] & 1:
                    names[definition["vd_ndx"]] = name
    return names, needs, defs


def symbols_of(elf, names):
    """Lists the dynamic symbols as name, version, and where they are defined."""
    table = elf.get_section_by_name(".dynsym")
    if table is None:
        return []
    indexes = [s for s in elf.iter_sections() if isinstance(s, GNUVerSymSection)]
    found = []
    for i, symbol in enumerate(table.iter_symbols()):
        if i == 0:
            continue
        version = ""
        if indexes:
            index = indexes[0].get_symbol(i)["ndx"]
            if isinstance(index, int):
                version = names.get(index & 0x7FFF, "")
        place = "U" if symbol["st_shndx"] == "SHN_UNDEF" else "D"
        found.append(f"{symbol.name} {version} {place}")
    return found


def facts_of(path):
    with open(path, "rb") as file:
        elf = ELFFile(file)
        dynamic = elf.get_section_by_name(".dynamic")
        if dynamic is None or dynamic["sh_type"] == "SHT_NOBITS":
            return None
        facts = {"Path": path, "Needed": [], "Soname": "", "RPath": "", "RunPath": ""}
        for tag in dynamic.iter_tags():
            if tag.entry.d_tag == "DT_NEEDED":
                facts["Needed"].append(tag.needed)
            elif tag.entry.d_tag == "DT_SONAME":
                facts["Soname"] = tag.soname
            elif tag.entry.d_tag == "DT_RPATH":
                facts["RPath"] = tag.rpath
            elif tag.entry.d_tag == "DT_RUNPATH":
                facts["RunPath"] = tag.runpath
        names, facts["Needs"], facts["Defs"] = versions_of(elf)
        symbols = symbols_of(elf, names)
        facts["Symbols"] = len(symbols)
        facts["Digest"] = hashlib.sha256("\n".join(symbols).encode()).hexdigest()
        return facts


for line in sys.stdin:
    try:
        facts = facts_of(line.rstrip("\n"))
    except ELFError:
        continue
    if facts:
        print(json.dumps(facts))
