"""Loads thin Mach-O images as dyld would and calls a function, on any host.

usage: run_image.py FUNCTION IMAGE [LIBRARY...]

The first image is the one to run, the others are the libraries that it may load,
found by the last element of their install names. Prints the function's result,
a 32-bit number. Symbols of no image are bound to a function that returns 0.
Independent of wheelmend: it reads the bytes itself, and unicorn runs them.
"""

import os
import struct
import sys

from unicorn import UC_ARCH_ARM64, UC_ARCH_X86, UC_MODE_64, UC_MODE_ARM, Uc
from unicorn.arm64_const import UC_ARM64_REG_LR, UC_ARM64_REG_SP, UC_ARM64_REG_X0, UC_ARM64_REG_CPACR_EL1
from unicorn.x86_const import UC_X86_REG_RAX, UC_X86_REG_RSP

LC_SEGMENT_64, LC_SYMTAB, LC_ID_DYLIB = 0x19, 0x2, 0xD
LC_DYLD_INFO, LC_DYLD_INFO_ONLY, LC_CHAINED, LC_TRIE = 0x22, 0x80000022, 0x80000034, 0x80000033
LOADS = {0xC, 0x80000018, 0x8000001F, 0x80000023, 0x20}
STACK, STUBS, EXIT = 0x7000_0000_0000, 0x6000_0000_0000, 0x6000_0000_8000


def uleb(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def sleb(data, at):
    start = at
    value, at = uleb(data, at)
    bits = 7 * (at - start)
    return (value - (1 << bits) if value >> (bits - 1) & 1 else value), at


def text(data, at):
    return data[at : data.index(b"\0", at)].decode()


class Image:
    def __init__(self, path, base):
        self.path, self.base = path, base
        self.data = open(path, "rb").read()
        magic, self.cpu, _, _, count, _, _, _ = struct.unpack_from("<8I", self.data)
        assert magic == 0xFEEDFACF, f"{path}: not a thin 64-bit image"
        self.segments, self.libraries, self.commands, self.sections = [], [], {}, []
        self.name = os.path.basename(path)
        at = 32
        for _ in range(count):
            command, size = struct.unpack_from("<2I", self.data, at)
            self.command(command, at)
            at += size
        self.slide = base - min(s[1] for s in self.segments if s[4])
        self.exports = {}
        self.read_trie()

    def command(self, command, at):
        d = self.data
        if command == LC_SEGMENT_64:
            name = d[at + 8 : at + 24].rstrip(b"\0").decode()
            addr, memory, off, size = struct.unpack_from("<4Q", d, at + 24)
            self.segments.append((name, addr, memory, off, size))
            for i in range(struct.unpack_from("<I", d, at + 64)[0]):
                s = at + 72 + 80 * i
                sa, ss = struct.unpack_from("<2Q", d, s + 32)
                self.sections.append((struct.unpack_from("<I", d, s + 64)[0] & 0xFF, sa, ss))
        elif command == LC_ID_DYLIB:
            self.name = os.path.basename(text(d, at + struct.unpack_from("<I", d, at + 8)[0]))
        elif command in LOADS:
            self.libraries.append(text(d, at + struct.unpack_from("<I", d, at + 8)[0]))
        else:
            self.commands[command] = at

    def linkedit(self, *commands):
        for command in commands:
            if command in self.commands:
                off, size = struct.unpack_from("<2I", self.data, self.commands[command] + 8)
                return self.data[off : off + size]
        return b""

    def info(self, index):
        for command in (LC_DYLD_INFO, LC_DYLD_INFO_ONLY):
            if command in self.commands:
                off, size = struct.unpack_from("<2I", self.data, self.commands[command] + 8 + 8 * index)
                return self.data[off : off + size]
        return b""

    def read_trie(self):
        trie = self.linkedit(LC_TRIE) or self.info(4)
        queue = [(0, "")] if trie else []
        while queue:
            at, prefix = queue.pop()
            length, at = uleb(trie, at)
            if length:
                flags, where = uleb(trie, at)
                if not flags & 8:
                    self.exports[prefix] = self.base + uleb(trie, where)[0]
            at += length
            children, at = trie[at], at + 1
            for _ in range(children):
                label = text(trie, at)
                child, at = uleb(trie, at + len(label) + 1)
                queue.append((child, prefix + label))


class Machine:
    def __init__(self, paths):
        self.images = [Image(p, 0x1_0000_0000 * (i + 1)) for i, p in enumerate(paths)]
        self.arm = self.images[0].cpu == 0x0100000C
        self.uc = Uc(UC_ARCH_ARM64, UC_MODE_ARM) if self.arm else Uc(UC_ARCH_X86, UC_MODE_64)
        self.uc.mem_map(STACK, 0x100000)
        self.uc.mem_map(STUBS, 0x10000)
        self.uc.mem_write(STUBS, b"\x00\x00\x80\xd2\xc0\x03\x5f\xd6" if self.arm else b"\x31\xc0\xc3")
        if self.arm:
            self.uc.reg_write(UC_ARM64_REG_CPACR_EL1, 3 << 20)
        for image in self.images:
            for name, addr, memory, off, size in image.segments:
                if name == "__PAGEZERO" or memory == 0:
                    continue
                start = addr + image.slide
                assert start % 0x1000 == 0, f"{image.path}: {name} is not page-aligned"
                self.uc.mem_map(start, (memory + 0xFFF) & ~0xFFF)
                self.uc.mem_write(start, image.data[off : off + size])
        for image in self.images:
            self.chains(image)
            self.rebase(image)
            for index in (1, 2, 3):
                self.bind(image, image.info(index), lazy=index == 3)

    def read(self, addr):
        return struct.unpack("<Q", self.uc.mem_read(addr, 8))[0]

    def write(self, addr, value):
        self.uc.mem_write(addr, struct.pack("<Q", value & (1 << 64) - 1))

    def resolve(self, image, ordinal, symbol):
        if symbol == "dyld_stub_binder":  # of the system, and never called: nothing is bound lazily here
            return STUBS
        if ordinal > 0:
            wanted = os.path.basename(image.libraries[ordinal - 1])
            for other in self.images:
                if other.name == wanted or os.path.basename(other.path) == wanted:
                    assert symbol in other.exports, f"{image.path}: {other.path} does not export {symbol}"
                    return other.exports[symbol]
            assert image.libraries[ordinal - 1].startswith(("/usr/lib/", "/System/")), f"{image.path}: {wanted} is not here"
            return STUBS
        for other in self.images:
            if symbol in other.exports:
                return other.exports[symbol]
        return STUBS

    def chains(self, image):
        fixups = image.linkedit(LC_CHAINED)
        if not fixups:
            return
        _, starts, imports, symbols, count, form, _ = struct.unpack_from("<7I", fixups)
        targets = []
        for i in range(count):
            if form == 3:
                value, addend = struct.unpack_from("<Qq", fixups, imports + 16 * i)
                ordinal, name = value & 0xFFFF, value >> 32
                ordinal -= 0x10000 if ordinal > 0xFFF0 else 0
            else:
                value = struct.unpack_from("<I", fixups, imports + (4 if form == 1 else 8) * i)[0]
                addend = 0 if form == 1 else struct.unpack_from("<i", fixups, imports + 8 * i + 4)[0]
                ordinal, name = value & 0xFF, value >> 9
                ordinal -= 0x100 if ordinal > 0xF0 else 0
            targets.append(self.resolve(image, ordinal, text(fixups, symbols + name)) + addend)
        for i in range(struct.unpack_from("<I", fixups, starts)[0]):
            at = struct.unpack_from("<I", fixups, starts + 4 + 4 * i)[0]
            if at:
                self.chain(image, fixups, starts + at, targets)

    def chain(self, image, fixups, at, targets):
        _, page_size, form, segment, _, pages = struct.unpack_from("<IHHQIH", fixups, at)
        assert form in (2, 6), f"{image.path}: pointer format {form}"
        for page in range(pages):
            start = struct.unpack_from("<H", fixups, at + 22 + 2 * page)[0]
            if start == 0xFFFF:
                continue
            where = image.base + segment + page * page_size + start
            while True:
                value = self.read(where)
                if value >> 63:
                    self.write(where, targets[value & 0xFFFFFF] + (value >> 24 & 0xFF))
                else:
                    target = value & (1 << 36) - 1
                    self.write(where, target + (image.slide if form == 2 else image.base) | (value >> 36 & 0xFF) << 56)
                step = value >> 51 & 0xFFF
                if not step:
                    break
                where += 4 * step

    def rebase(self, image):
        code, at, where = image.info(0), 0, 0

        def apply(count, skip=0):
            nonlocal where
            for _ in range(count):
                self.write(where, self.read(where) + image.slide)
                where += 8 + skip

        while at < len(code):
            op, low = code[at] & 0xF0, code[at] & 0xF
            at += 1
            if op == 0x00:
                break
            if op == 0x20:
                offset, at = uleb(code, at)
                where = image.segments[low][1] + image.slide + offset
            elif op == 0x30:
                offset, at = uleb(code, at)
                where += offset
            elif op == 0x40:
                where += 8 * low
            elif op == 0x50:
                apply(low)
            elif op == 0x60:
                count, at = uleb(code, at)
                apply(count)
            elif op == 0x70:
                skip, at = uleb(code, at)
                apply(1, skip)
            elif op == 0x80:
                count, at = uleb(code, at)
                skip, at = uleb(code, at)
                apply(count, skip)

    def bind(self, image, code, lazy):
        at = where = ordinal = addend = 0
        symbol = ""

        def apply(skip=0):
            nonlocal where
            self.write(where, self.resolve(image, ordinal, symbol) + addend)
            where += 8 + skip

        while at < len(code):
            op, low = code[at] & 0xF0, code[at] & 0xF
            at += 1
            if op == 0x00 and not lazy:
                break
            if op == 0x10:
                ordinal = low
            elif op == 0x20:
                ordinal, at = uleb(code, at)
            elif op == 0x30:
                ordinal = low - 16 if low else 0
            elif op == 0x40:
                symbol = text(code, at)
                at += len(symbol) + 1
            elif op == 0x60:
                addend, at = sleb(code, at)
            elif op == 0x70:
                offset, at = uleb(code, at)
                where = image.segments[low][1] + image.slide + offset
            elif op == 0x80:
                offset, at = uleb(code, at)
                where = where + offset & (1 << 64) - 1
            elif op == 0x90:
                apply()
            elif op == 0xA0:
                skip, at = uleb(code, at)
                apply(skip)
            elif op == 0xB0:
                apply(8 * low)
            elif op == 0xC0:
                count, at = uleb(code, at)
                skip, at = uleb(code, at)
                for _ in range(count):
                    apply(skip)

    def initialise(self, image):
        for kind, addr, size in image.sections:
            if kind == 0x9:  # S_MOD_INIT_FUNC_POINTERS
                for at in range(0, size, 8):
                    self.call(self.read(addr + image.slide + at))
            elif kind == 0x16:  # S_INIT_FUNC_OFFSETS
                for at in range(0, size, 4):
                    self.call(image.base + struct.unpack("<I", self.uc.mem_read(addr + image.slide + at, 4))[0])

    def call(self, addr):
        stack = STACK + 0x80000
        if self.arm:
            self.uc.reg_write(UC_ARM64_REG_SP, stack)
            self.uc.reg_write(UC_ARM64_REG_LR, EXIT)
        else:
            self.write(stack - 8, EXIT)
            self.uc.reg_write(UC_X86_REG_RSP, stack - 8)
        self.uc.emu_start(addr, EXIT, count=10_000_000)
        return self.uc.reg_read(UC_ARM64_REG_X0 if self.arm else UC_X86_REG_RAX) & 0xFFFFFFFF


def main():
    function, paths = sys.argv[1], sys.argv[2:]
    machine = Machine(paths)
    for image in reversed(machine.images):
        machine.initialise(image)
    print(machine.call(machine.images[0].exports["_" + function]))


main()
