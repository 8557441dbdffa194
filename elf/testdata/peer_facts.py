"""Answers each path on stdin with a line: as JSON what pyelftools reads in that
ELF file, null for a file that is none. Where section headers and PT_DYNAMIC
disagree, or there are no section headers, the segment is read, without versions."""

import hashlib
import json
import sys

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSegment
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


def symbols_of(symbols, versym, names):
    """Lists the dynamic symbols as name, version, and where they are defined."""
    found = []
    for i, symbol in enumerate(symbols):
        if i == 0:
            continue
        version = ""
        if versym:
            index = versym.get_symbol(i)["ndx"]
            if isinstance(index, int):
                version = names.get(index & 0x7FFF, "")
        place = "U" if symbol["st_shndx"] == "SHN_UNDEF" else "D"
        found.append(f"{symbol.name} {version} {place}")
    return found


def digest(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def sections_of(elf):
    """Describes the sections in as far as both readers must agree."""
    lines = []
    for section in elf.iter_sections():
        h = section.header
        numbers = (h.sh_addr, h.sh_offset, h.sh_size, h.sh_link, h.sh_info)
        lines.append(" ".join([section.name, *map(str, numbers)]))
    return lines


def facts_of(path):
    with open(path, "rb") as file:
        elf = ELFFile(file)
        facts = {"Path": path, "Needed": [], "Interpreter": ""}
        facts["Sections"] = digest(sections_of(elf))
        segments = [s for s in elf.iter_segments() if s["p_filesz"]]
        for segment in segments:
            if segment["p_type"] == "PT_INTERP":
                facts["Interpreter"] = segment.get_interp_name()
        dynamic = [s for s in segments if isinstance(s, DynamicSegment)]
        if dynamic:
            add_dynamic(facts, elf, dynamic[0])
        return facts


def add_dynamic(facts, elf, dynamic):
    for tag in dynamic.iter_tags():
        if tag.entry.d_tag == "DT_NEEDED":
            facts["Needed"].append(tag.needed)
        elif tag.entry.d_tag == "DT_SONAME":
            facts["Soname"] = tag.soname
        elif tag.entry.d_tag == "DT_RPATH":
            facts["RPath"] = tag.rpath
        elif tag.entry.d_tag == "DT_RUNPATH":
            facts["RunPath"] = tag.runpath
    sections = [s for s in elf.iter_sections() if s["sh_type"] == "SHT_DYNAMIC"]
    symbols, versym, names = dynamic.iter_symbols(), None, {}
    if sections and sections[0]["sh_offset"] == dynamic["p_offset"]:
        names, facts["Needs"], facts["Defs"] = versions_of(elf)
        table = [s for s in elf.iter_sections() if s["sh_type"] == "SHT_DYNSYM"]
        symbols = table[0].iter_symbols() if table else []
        versyms = [s for s in elf.iter_sections() if isinstance(s, GNUVerSymSection)]
        versym = versyms[0] if versyms else None
    lines = symbols_of(symbols, versym, names)
    facts["Symbols"], facts["Digest"] = len(lines), digest(lines)


for line in sys.stdin:
    try:
        answer = facts_of(line.rstrip("\n"))
    except ELFError:
        answer = None
    except Exception as error:  # a bug of pyelftools is an answer, too
        answer = {"Error": repr(error)}
    print(json.dumps(answer), flush=True)
