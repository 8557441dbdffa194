"""Compares what the unwinder reads of an image before and after it was moved.

usage: check_unwind.py BEFORE AFTER

Reads __unwind_info (<mach-o/compact_unwind_encoding.h>), __eh_frame (DWARF, LSB)
and the tables of __gcc_except_tab that they name, all of them into places: function,
encoding, personality, call sites, landing pads, types. Each has to be as far away
from where it was as the code. Prints how many there are of each kind.
"""

import struct
import sys


class Image:
    def __init__(self, path):
        self.data = open(path, "rb").read()
        self.sections, self.base = {}, None
        at = 32
        for _ in range(struct.unpack_from("<I", self.data, 16)[0]):
            command, size = struct.unpack_from("<2I", self.data, at)
            if command == 0x19:
                addr, _, off, filesize = struct.unpack_from("<4Q", self.data, at + 24)
                if off == 0 and filesize:
                    self.base = addr
                for i in range(struct.unpack_from("<I", self.data, at + 64)[0]):
                    s = at + 72 + 80 * i
                    name = self.data[s : s + 16].rstrip(b"\0").decode()
                    sa, ss, so = struct.unpack_from("<2QI", self.data, s + 32)
                    self.sections[name] = (sa, ss, so)
            at += size

    def offset(self, addr):
        for sa, ss, so in self.sections.values():
            if sa <= addr < sa + ss:
                return addr - sa + so
        raise AssertionError(f"address {addr:#x} is in no section")

    def u32(self, addr, count=1):
        return struct.unpack_from(f"<{count}I", self.data, self.offset(addr))

    # Functions with the encoding, language-specific data and personality of each.
    def unwind(self):
        begin = self.sections["__unwind_info"][0]
        version, commons, common_count, people, people_count, index, count = self.u32(begin, 7)
        assert version == 1, f"version {version}"
        common = self.u32(begin + commons, common_count) if common_count else ()
        personality = [self.base + p for p in self.u32(begin + people, people_count)] if people_count else []
        rows = [self.u32(begin + index + 12 * i, 3) for i in range(count)]
        lsda = {}
        for at in range(rows[0][2], rows[-1][2], 8):
            function, where = self.u32(begin + at, 2)
            lsda[self.base + function] = self.base + where
        functions = []
        for first, page, _ in rows:
            if page == 0:
                functions.append((self.base + first, "end", None, None))
                continue
            for function, encoding in self.page(begin + page, self.base + first, common):
                who = encoding >> 28 & 3
                functions.append((function, encoding, lsda.get(function), personality[who - 1] if who else None))
        return functions

    def page(self, page, first, common):
        kind = self.u32(page)[0]
        entries, count = struct.unpack_from("<2H", self.data, self.offset(page + 4))
        if kind == 2:
            for i in range(count):
                function, encoding = self.u32(page + entries + 8 * i, 2)
                yield self.base + function, encoding
            return
        assert kind == 3, f"page of kind {kind}"
        encodings, encoding_count = struct.unpack_from("<2H", self.data, self.offset(page + 8))
        own = self.u32(page + encodings, encoding_count) if encoding_count else ()
        for i in range(count):
            entry = self.u32(page + entries + 4 * i)[0]
            yield first + (entry & 0xFFFFFF), (common + own)[entry >> 24]

    # An address as encodings of .eh_frame say it: absolute or relative to its place.
    def pointer(self, addr, encoding):
        if encoding == 0xFF:
            return None, addr
        form = {0x0: "<q", 0x3: "<I", 0x4: "<Q", 0xB: "<i", 0xC: "<q"}[encoding & 0xF]
        value = struct.unpack_from(form, self.data, self.offset(addr))[0]
        if value and encoding & 0x70 == 0x10:
            value += addr
        return value, addr + struct.calcsize(form)

    def uleb(self, addr):
        value = shift = 0
        while True:
            byte = self.data[self.offset(addr)]
            value |= (byte & 0x7F) << shift
            addr, shift = addr + 1, shift + 7
            if byte < 0x80:
                return value, addr

    def frames(self):
        if "__eh_frame" not in self.sections:
            return []
        at, size, _ = self.sections["__eh_frame"]
        end, cies, fdes = at + size, {}, []
        while at + 4 <= end:
            length = self.u32(at)[0]
            if length == 0:
                break
            back = self.u32(at + 4)[0]
            if back == 0:
                cies[at] = self.cie(at + 8)
            else:
                pointers, language, who = cies[at + 4 - back]
                function, place = self.pointer(at + 8, pointers)
                span, place = self.pointer(place, pointers & 0xF)
                lsda = None
                if language is not None:
                    _, place = self.uleb(place)
                    lsda = self.pointer(place, language)[0] or None
                fdes.append((function, span, lsda, who))
            at += 4 + length
        return fdes

    def cie(self, at):
        start = self.offset(at + 1)
        text = self.data[start : self.data.index(b"\0", start)].decode()
        at += 2 + len(text)
        for _ in range(3):  # code and data alignment, return register
            _, at = self.uleb(at)
        assert text.startswith("z"), f"augmentation {text}"
        _, at = self.uleb(at)
        pointers, language, who = 0, None, None
        for letter in text[1:]:
            encoding = self.data[self.offset(at)]
            at += 1
            if letter == "R":
                pointers = encoding
            elif letter == "L":
                language = encoding
            elif letter == "P":
                who, at = self.pointer(at, encoding)
        return pointers, language, who

    # Call sites with their landing pads, which count from the function, and types.
    def language_specific(self, function, at):
        start, at = self.pointer(at + 1, self.data[self.offset(at)])
        assert start is None, "landing pads of another base"
        encoding = self.data[self.offset(at)]
        at, types = at + 1, 0
        if encoding != 0xFF:
            distance, at = self.uleb(at)
            types = at + distance
        form = self.data[self.offset(at)]
        length, at = self.uleb(at + 1)
        end, sites = at + length, []
        while at < end:
            values = []
            for _ in range(3):
                if form == 1:
                    value, at = self.uleb(at)
                else:
                    value, at = self.pointer(at, form)
                values.append(value)
            action, at = self.uleb(at)
            sites.append((function + values[0], values[1], function + values[2] if values[2] else None, action))
        filters = set()
        for action in (s[3] for s in sites if s[3]):
            at = end + action - 1
            while True:
                kind, place = self.sleb(at)
                filters.add(kind)
                step, _ = self.sleb(place)
                if step == 0:
                    break
                at = place + step
        caught = [self.pointer(types - 4 * kind, encoding)[0] or None for kind in sorted(filters) if kind > 0]
        return sites, caught

    def sleb(self, addr):
        value, end = self.uleb(addr)
        bits = 7 * (end - addr)
        return (value - (1 << bits) if value >> (bits - 1) & 1 else value), end


# A place moves with the code; other numbers stay.
def place(addr):
    return None if addr is None else ("at", addr)


def places(image):
    functions, frames, pads = [], [], {}
    for function, encoding, lsda, who in image.unwind():
        functions.append((place(function), encoding, place(lsda), place(who)))
        if lsda:
            pads[function] = lsda
    for function, span, lsda, who in image.frames():
        frames.append((place(function), span, place(lsda), place(who)))
        if lsda:
            pads[function] = lsda
    read = []
    for function, lsda in sorted(pads.items()):
        sites, caught = image.language_specific(function, lsda)
        read.append((place(function), [(place(a), n, place(pad), action) for a, n, pad, action in sites], [place(c) for c in caught]))
    return functions, frames, read


def move(value, delta):
    if isinstance(value, tuple) and value[0] == "at":
        return "at", value[1] + delta
    if isinstance(value, (tuple, list)):
        return [move(v, delta) for v in value]
    return value


def main():
    before, after = Image(sys.argv[1]), Image(sys.argv[2])
    delta = after.sections["__text"][0] - before.sections["__text"][0]
    was, now = places(before), places(after)
    want, got = move(was, delta), move(now, 0)
    if want != got:
        for one, two in zip(want, got):
            print(f"moved by {delta:#x}:", *[f"{b} instead of {a}" for a, b in zip(one, two) if a != b][:3], sep="\n")
        sys.exit(1)
    pads = sum(1 for _, sites, _ in was[2] for s in sites if s[2])
    types = sum(1 for _, _, caught in was[2] for c in caught if c)
    print(f"{len(was[0])} functions, {len(was[1])} frames, {pads} landing pads, {types} types")


main()
