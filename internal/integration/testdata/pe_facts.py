"""Prints what pefile reads of PE files: one JSON object a line, in the order of the arguments.

With --edited, a checksum that is set is verified, too.
"""
import json
import sys

import pefile


# pefile takes images beyond these for corrupt; C++ libraries are.
pefile.MAX_SYMBOL_NAME_LENGTH = pefile.MAX_IMPORT_NAME_LENGTH = 1 << 16
pefile.MAX_SYMBOL_EXPORT_COUNT = 1 << 16
pefile.MAX_IMPORT_SYMBOLS = 1 << 16


def symbols(entry):
    # For some libraries of Windows pefile makes names up for ordinals.
    return [f"#{s.ordinal}" if s.import_by_ordinal else s.name.decode("latin-1") for s in entry.imports]


def facts(path):
    pe = pefile.PE(path, fast_load=True, max_symbol_exports=1 << 16, max_repeated_symbol=1 << 16)
    pe.parse_data_directories(directories=[
        pefile.DIRECTORY_ENTRY[f"IMAGE_DIRECTORY_ENTRY_{n}"] for n in ("IMPORT", "DELAY_IMPORT", "EXPORT")])
    out = {"machine": pe.FILE_HEADER.Machine}
    for key, name in (("imports", "DIRECTORY_ENTRY_IMPORT"), ("delay", "DIRECTORY_ENTRY_DELAY_IMPORT")):
        out[key] = [[e.dll.decode("latin-1"), symbols(e)] for e in getattr(pe, name, [])]
    exports = getattr(pe, "DIRECTORY_ENTRY_EXPORT", None)
    out["exports"] = sorted([s.name.decode("latin-1") if s.name else "", s.ordinal, s.forwarder.decode("latin-1") if s.forwarder else ""]
                            for s in (exports.symbols if exports else []))
    out["overlay"] = pe.get_overlay_data_start_offset() or 0
    if "--edited" in sys.argv:
        out["checksum"] = pe.OPTIONAL_HEADER.CheckSum == 0 or pe.verify_checksum()
    return out


for path in sys.argv[1:]:
    if not path.startswith("--"):
        print(json.dumps(facts(path)))
