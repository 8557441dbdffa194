"""Judges archives by the rules by which PyPI takes uploads.

The rules are those of warehouse.utils.zipfiles: what a reader that goes from record
to record finds has to be what the central directory says. Standard input has a path
on each line; for each, a line of JSON has the reason to refuse it, or "".
"""

import json
import struct
import sys
import zipfile

LOCAL, CENTRAL, END, END64, LOCATOR = (b"PK" + bytes(n) for n in ((3, 4), (1, 2), (5, 6), (6, 6), (6, 7)))
ZIP64, UNICODE_PATH = 0x0001, 0x7075
SENTINEL = 0xFFFFFFFF


class Refused(Exception):
    pass


def require(holds, rule):
    if not holds:
        raise Refused(rule)


class Walk:
    """One pass over the records of an archive."""

    def __init__(self, data, sizes):
        self.data, self.sizes, self.at = data, sizes, 0
        self.local, self.central = set(), set()
        self.directory = None  # where it begins
        self.length = 0  # of the directory
        self.promised = None  # count, length and offset, by an end record
        self.end64 = self.locator = None

    def take(self, n):
        require(self.at + n <= len(self.data), "ends too early")
        self.at += n
        return self.data[self.at - n : self.at]

    def unpack(self, layout):
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def name(self, n):
        name = self.take(n)
        require(all(32 <= c != 127 for c in name), "control character in a name")
        return name

    def run(self):
        handlers = {LOCAL: self.local_header, CENTRAL: self.central_header, END64: self.zip64_end, LOCATOR: self.zip64_locator}
        while (signature := self.take(4)) != END:
            require(signature in handlers, "unknown record")
            handlers[signature]()
        require(self.end64 is None or self.locator is not None, "zip64 end record without a locator")
        self.end()
        require(self.central == self.local, "directory and local headers differ")
        require(self.at == len(self.data), "bytes after the end")

    def local_header(self):
        flags, method, packed, size, name_size, extra_size = self.unpack("<2xHH8xIIHH")
        name = self.name(name_size)
        packed, size = self.extra(self.take(extra_size), method, packed, size)
        require(not flags & 8, "data descriptor")
        try:
            known = self.sizes.get(name.decode())
        except UnicodeDecodeError:
            raise Refused("name is not UTF-8") from None
        require(known is not None, "local header that the directory lacks")
        require(known == (packed, size), "sizes differ from the directory")
        # A length beyond the end shows when the next record is read.
        self.at += packed
        require(name not in self.local, "local header twice")
        self.local.add(name)

    def extra(self, extra, method, packed, size):
        seen = set()
        while extra:
            require(len(extra) >= 4, "extra field is cut")
            kind, n = struct.unpack_from("<HH", extra)
            field, extra = extra[4 : 4 + n], extra[4 + n :]
            require(len(field) == n, "extra field is cut")
            require(kind not in seen or kind not in (ZIP64, UNICODE_PATH), "extra field twice")
            seen.add(kind)
            if kind == UNICODE_PATH:
                self.unicode_path(field)
            elif kind == ZIP64:
                packed, size = self.zip64(field, method, packed, size)
        return packed, size

    @staticmethod
    def unicode_path(field):
        name = field[5:]
        require(all(32 <= c != 127 for c in name), "control character in a name")
        try:
            name.decode()
        except UnicodeDecodeError:
            raise Refused("name is not UTF-8") from None

    @staticmethod
    def zip64(field, method, packed, size):
        require(len(field) in (0, 8, 16, 24, 28), "length of a zip64 field")
        if not field:
            require(SENTINEL not in (packed, size), "zip64 field without sizes")
            return packed, size
        (whole,) = struct.unpack_from("<Q", field)
        if len(field) == 8:
            require(method == 0, "zip64 field with one size of two")
            packed = whole
        else:
            (packed,) = struct.unpack_from("<Q", field, 8)
        return packed, whole if size == SENTINEL else size

    def central_header(self):
        if self.directory is None:
            self.directory = self.at - 4
        name_size, extra_size, comment = self.unpack("<24xHHH12x")
        require(comment == 0, "comment of a member")
        name = self.name(name_size)
        self.take(extra_size)
        self.length += 46 + name_size + extra_size
        require(name not in self.central, "directory header twice")
        require(name in self.local, "directory header without a local one")
        self.central.add(name)

    def zip64_end(self):
        self.end64 = self.at - 4
        own, here, count, length, offset = self.unpack("<Q12xQQQQ")
        require(here == count, "several disks")
        require(own == 44, "zip64 end record with more data")
        self.promised = count, length, offset

    def zip64_locator(self):
        (self.locator,) = self.unpack("<4xQ4x")

    def end(self):
        if self.directory is None:
            self.directory = self.at - 4
        here, count, length, offset, comment = self.unpack("<4xHHIIH")
        require(here == count, "several disks")
        self.at += comment
        if self.promised is None or self.locator is None:
            self.promised = count, length, offset
        require(self.promised == (len(self.central), self.length, self.directory), "end record differs from the directory")


def judge(path):
    with open(path, "rb") as f:
        data = f.read()
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {i.orig_filename: (i.compress_size, i.file_size) for i in archive.filelist}
    except zipfile.BadZipFile as e:
        return f"zipfile: {e}"
    except (OSError, ValueError, NotImplementedError, struct.error, OverflowError) as e:
        return f"zipfile fails: {e}"
    try:
        Walk(data, sizes).run()
    except Refused as e:
        return str(e)
    return ""


def main():
    for line in sys.stdin:
        print(json.dumps(judge(line.rstrip("\n"))), flush=True)


if __name__ == "__main__":
    main()
