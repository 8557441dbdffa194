"""Checks thin Mach-O images without wheelmend, and prints what is wrong.

usage: check_image.py IMAGE...

The load commands fit before the first content, segments do not overlap,
__LINKEDIT ends the file, what a signature covers has the digests that it says,
and lief can read all of it.
"""

import hashlib
import struct
import sys

import lief


def check_signature(data, off, size, end):
    assert off + size == end, "the signature does not end the image"
    magic, _, count = struct.unpack_from(">3I", data, off)
    assert magic == 0xFADE0CC0, f"signature magic {magic:#x}"
    slots = {}
    for i in range(count):
        kind, at = struct.unpack_from(">2I", data, off + 12 + 8 * i)
        length = struct.unpack_from(">I", data, off + at + 4)[0]
        slots[kind] = data[off + at : off + at + length]
    directory = slots[0]
    _, length, version, flags, hashes, ident, special, pages, limit = struct.unpack_from(">9I", directory)
    digest_size, kind, _, shift = directory[36:40]
    assert (digest_size, kind) == (32, 2), "not SHA-256"
    assert length == len(directory) and limit == off and flags & 2, f"limit {limit:#x}, flags {flags:#x}"
    assert version >= 0x20400, f"version {version:#x}"
    for page in range(pages):
        want = directory[hashes + 32 * page : hashes + 32 * page + 32]
        content = data[page << shift : min((page + 1) << shift, limit)]
        assert hashlib.sha256(content).digest() == want, f"page {page}"
    assert (pages - 1) << shift < limit <= pages << shift, f"{pages} pages"
    for kind, blob in slots.items():
        if 0 < kind < 0x1000:
            want = directory[hashes - 32 * kind : hashes - 32 * kind + 32]
            assert kind <= special and hashlib.sha256(blob).digest() == want, f"slot {kind}"


def check(path):
    data = open(path, "rb").read()
    magic, _, _, _, count, size = struct.unpack_from("<6I", data)
    assert magic == 0xFEEDFACF, "not a thin 64-bit image"
    segments, content, at, end = [], len(data), 32, 0
    signature = None
    for _ in range(count):
        command, length = struct.unpack_from("<2I", data, at)
        assert length % 8 == 0, f"cmdsize {length}"
        if command == 0x19:
            name = data[at + 8 : at + 24].rstrip(b"\0").decode()
            addr, memory, off, filesize = struct.unpack_from("<4Q", data, at + 24)
            segments.append((addr, memory, off, filesize, name))
            for i in range(struct.unpack_from("<I", data, at + 64)[0]):
                section = at + 72 + 80 * i
                sa, ss = struct.unpack_from("<2Q", data, section + 32)
                so, _, _, _, flags = struct.unpack_from("<5I", data, section + 48)
                assert addr <= sa and sa + ss <= addr + memory, f"section outside {name}"
                if flags & 0xFF not in (1, 0xC, 0x12) and ss:
                    assert so - off == sa - addr, f"section of {name} at {so:#x} and {sa:#x}"
                    content = min(content, so)
        elif command == 0x1D:
            signature = struct.unpack_from("<2I", data, at + 8)
        at += length
    assert at == 32 + size <= content, f"commands end at {at:#x}, content begins at {content:#x}"
    segments.sort()
    for one, two in zip(segments, segments[1:]):
        assert one[0] + one[1] <= two[0], f"{one[4]} and {two[4]} overlap in memory"
        assert one[2] + one[3] <= two[2] or not two[3], f"{one[4]} and {two[4]} overlap in the file"
    assert segments[-1][4] == "__LINKEDIT" and segments[-1][2] + segments[-1][3] == len(data)
    if signature:
        check_signature(data, *signature, len(data))
    ok, why = lief.MachO.check_layout(lief.MachO.parse(path))
    assert ok, f"lief: {why}"


failed = 0
for path in sys.argv[1:]:
    try:
        check(path)
    except AssertionError as error:
        print(f"{path}: {error}")
        failed = 1
sys.exit(failed)
